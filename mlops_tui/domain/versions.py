"""The order of model versions: semantic versioning as semver.org defines it.

GitLab's own "latest version" compares major, minor and patch alone; here a release comes after its prereleases. Build
metadata has no precedence, so it only settles the order of otherwise equal versions. What is no semantic version
sorts apart from those that are, by its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import TypeAlias

_Identifier: TypeAlias = tuple[int, int, str]
_Precedence: TypeAlias = tuple[int, int, int, bool, tuple[_Identifier, ...]]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class SemanticVersion:
    """A parsed version; compares by precedence, so two that differ in ``build`` alone are equal."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""

    @property
    def precedence(self) -> _Precedence:
        """What semver.org's rule 11 compares, as a tuple that compares alike."""
        identifiers = tuple(_identifier(part) for part in self.prerelease.split(".") if part)
        return (self.major, self.minor, self.patch, not self.prerelease, identifiers)

    def __eq__(self, other: object) -> bool:
        return self.precedence == other.precedence if isinstance(other, SemanticVersion) else NotImplemented

    def __lt__(self, other: SemanticVersion) -> bool:
        return self.precedence < other.precedence

    def __hash__(self) -> int:
        return hash(self.precedence)

    def __str__(self) -> str:
        prerelease = f"-{self.prerelease}" if self.prerelease else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{prerelease}{build}"


def _identifier(text: str) -> _Identifier:
    # A number has no leading zero here, so its length and then its digits order it whatever its size.
    return (0, len(text), text) if text.isdecimal() else (1, 0, text)


@lru_cache(maxsize=4096)
def parse_version(text: str) -> SemanticVersion | None:
    """Read a version, or None when the text is not exactly one."""
    # Imported late: the library costs more to import than a list of versions costs to sort.
    from semver import Version

    if not text.isascii():
        return None
    try:
        parsed = Version.parse(text)
    except ValueError:
        return None
    return SemanticVersion(parsed.major, parsed.minor, parsed.patch, parsed.prerelease or "", parsed.build or "")


def in_version_order(versions: Iterable[str], *, newest_first: bool = False) -> list[str]:
    """Sort version texts by precedence; those that are no semantic versions come last in either direction."""
    semantic: list[tuple[SemanticVersion, str, str]] = []
    other: list[str] = []
    for text in versions:
        version = parse_version(text)
        if version is None:
            other.append(text)
        else:
            semantic.append((version, version.build, text))
    semantic.sort(reverse=newest_first)
    other.sort(reverse=newest_first)
    return [text for _, _, text in semantic] + other


def latest_version(versions: Iterable[str]) -> str | None:
    """The version of highest precedence, prereleases included; None when there is none.

    A text that is no semantic version is the latest only where nothing else is.
    """
    ordered = in_version_order(versions, newest_first=True)
    return ordered[0] if ordered else None
