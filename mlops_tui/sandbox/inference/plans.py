"""What shall be served: told by the sandbox, which knows its deployments, its flags and its switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.inference.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """One arm: which version it serves, of which commit, and the flag that gives it traffic (None: the rest)."""

    name: str
    version: str
    commit: str
    flag: str | None


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """The whole service as the sandbox wants it."""

    project_id: int
    project: str
    environment: str
    arms: tuple[ArmPlan, ...]
    unleash_url: str
    unleash_instance: str
    switches: Switches

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ServicePlan:
        """Read the answer of `GET /-/sandbox/inference`."""
        return cls(
            project_id=document["project"]["id"],
            project=document["project"]["path"],
            environment=document["environment"],
            arms=tuple(ArmPlan(one["arm"], one["version"], one["commit"], one["flag"]) for one in document["arms"]),
            unleash_url=document["unleash"]["url"],
            unleash_instance=document["unleash"]["instance_id"],
            switches=Switches.from_document(document["switches"]),
        )

    @property
    def control(self) -> ArmPlan | None:
        """The arm that serves whatever no flag gives to another."""
        return next((arm for arm in self.arms if arm.flag is None), None)

    @property
    def challengers(self) -> tuple[tuple[str, str], ...]:
        """The other arms with their flags, in the order in which they are asked."""
        return tuple((arm.name, arm.flag) for arm in self.arms if arm.flag is not None)
