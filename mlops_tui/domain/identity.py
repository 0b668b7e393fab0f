"""Who is signed in, with which token, to which GitLab."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from mlops_tui.domain.projects import User

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")
_WRITE_SCOPE = "api"
_READ_SCOPES = frozenset({"api", "read_api"})


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """What GitLab tells a token about itself; ``expires_on`` None means never."""

    name: str
    scopes: frozenset[str]
    expires_on: date | None
    is_active: bool

    @property
    def may_read(self) -> bool:
        """Whether the scopes open GitLab's reading routes; the role decides about the rest."""
        return bool(self.scopes & _READ_SCOPES)

    @property
    def may_write(self) -> bool:
        """Whether the scopes open the changing routes, MLflow's searches among them."""
        return _WRITE_SCOPE in self.scopes

    def days_left(self, today: date) -> int | None:
        """Days until it expires (0 on its last day, then negative), None when it never does."""
        return None if self.expires_on is None else (self.expires_on - today).days


@dataclass(frozen=True, slots=True)
class Instance:
    """A GitLab installation: its ``version`` ("18.9.1-ee") and whether it is an Enterprise Edition build.

    The edition is that of the software, not of the licence: an unlicensed one answers like the free one.
    """

    version: str
    is_enterprise: bool

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor number, (0, 0) when the version cannot be read."""
        found = _VERSION.match(self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)


@dataclass(frozen=True, slots=True)
class Identity:
    """All of it; ``token`` and ``instance`` are None where the kind of token may not ask."""

    user: User
    token: TokenDetails | None
    instance: Instance | None
