"""How one sandbox server is set up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Tier(StrEnum):
    """What the instance is licensed for; `CE` is the community build, `FREE` an enterprise build without a licence."""

    CE = "ce"
    FREE = "free"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"


class World(StrEnum):
    """The data a fresh sandbox starts with."""

    DEMO = "demo"
    EMPTY = "empty"
    LARGE = "large"


class Release(StrEnum):
    """The GitLab release whose behaviour is copied where releases differ."""

    V18_9 = "18.9"
    V19 = "19"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is chosen when a sandbox starts; it never changes afterwards.

    `port` 0 means "any free port"; the server replaces it by the real one before the first request. `data` is a
    temporary folder when None. `root_path` is a relative URL root such as `/gitlab`, or empty. `speed` divides every
    simulated duration. `legacy_clusters` connects clusters by certificate, which GitLab has long switched off.
    """

    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    world: World = World.DEMO
    tier: Tier = Tier.PREMIUM
    gitlab: Release = Release.V19
    seed: int = 1
    speed: float = 1.0
    root_path: str = ""
    legacy_clusters: bool = False

    @property
    def base_url(self) -> str:
        """The external URL without a trailing slash, e.g. `http://127.0.0.1:8080/gitlab`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.root_path}"

    @property
    def version(self) -> str:
        """The version GitLab reports, e.g. `19.0.2-ee`."""
        number = {Release.V18_9: "18.9.1", Release.V19: "19.0.2"}[self.gitlab]
        return f"{number}-ee" if self.enterprise else number

    @property
    def enterprise(self) -> bool:
        """Whether this is an enterprise build, licensed or not."""
        return self.tier is not Tier.CE

    @property
    def premium(self) -> bool:
        """Whether features of GitLab Premium take effect."""
        return self.tier in {Tier.PREMIUM, Tier.ULTIMATE}

    @property
    def ultimate(self) -> bool:
        """Whether features of GitLab Ultimate take effect."""
        return self.tier is Tier.ULTIMATE
