"""Feature flags: what the services that serve a model poll to know which version answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

FLEXIBLE = "flexibleRollout"
STICKINESS = ("default", "userId", "sessionId", "random")


@dataclass(frozen=True, slots=True)
class FlagScope:
    """An environment, or a pattern such as ``review/*``, that a strategy is for."""

    id: int
    environment: str

    def admits(self, environment: str) -> bool:
        """Whether the scope is meant for an environment."""
        return fnmatchcase(environment, self.environment.replace("[", "[[]").replace("?", "[?]"))


@dataclass(frozen=True, slots=True)
class FlagStrategy:
    """One strategy; several of one flag are OR-ed (GitLab: app/models/operations/feature_flags/strategy.rb)."""

    id: int
    name: str
    parameters: Mapping[str, str]
    scopes: tuple[FlagScope, ...]

    def reaches(self, environment: str) -> bool:
        """Whether it has a say in an environment."""
        return any(scope.admits(environment) for scope in self.scopes)

    def is_own(self, environment: str) -> bool:
        """Whether it is a share of this environment alone, as a rollout sets it."""
        return self.name == FLEXIBLE and [scope.environment for scope in self.scopes] == [environment]

    @property
    def share(self) -> int | None:
        """The percentage of a flexible rollout, None for other strategies or what is no percentage."""
        text = self.parameters.get("rollout", "") if self.name == FLEXIBLE else ""
        return int(text) if text.isascii() and text.isdigit() and int(text) <= 100 else None


@dataclass(frozen=True, slots=True)
class FeatureFlag:
    """One flag of a project; ``created_at`` is None where GitLab does not tell."""

    name: str
    description: str
    is_active: bool
    strategies: tuple[FlagStrategy, ...]
    created_at: datetime | None = None

    def own_strategy(self, environment: str) -> FlagStrategy | None:
        """The strategy that a rollout in an environment moves, None where there is none yet."""
        return next((item for item in self.strategies if item.is_own(environment)), None)

    def others_reaching(self, environment: str) -> tuple[FlagStrategy, ...]:
        """Other strategies that reach an environment: they would add to the share."""
        own = self.own_strategy(environment)
        return tuple(item for item in self.strategies if item != own and item.reaches(environment))
