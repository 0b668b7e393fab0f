"""Semantic versions as GitLab reads and counts them.

GitLab: lib/gitlab/regex.rb, app/services/ml/increment_version_service.rb.
"""

from __future__ import annotations

import re

_FIRST = "1.0.0"
_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    r"(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    rf"(?P<prerelease>-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?(?P<build>\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)


def parse(text: str) -> re.Match[str] | None:
    """Return the groups `major`, `minor`, `patch`, `prerelease` (with its dash) and `build`, or None."""
    return _SEMVER.fullmatch(text)


def next_version(latest: str | None) -> str:
    """Return the version that follows: one patch higher, the prerelease and build suffixes kept."""
    found = _SEMVER.fullmatch(latest or "")
    if found is None:
        return _FIRST
    suffix = (found["prerelease"] or "") + (found["build"] or "")
    return f"{found['major']}.{found['minor']}.{int(found['patch']) + 1}{suffix}"
