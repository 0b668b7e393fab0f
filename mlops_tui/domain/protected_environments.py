"""Protected environments: who may deploy there, and whose approval a deployment needs."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.domain.projects import Role


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """Whom an entry admits: a role and above, one person, or the members of a group.

    ``is_inherited`` is whether members of the groups above count too.
    """

    name: str
    role: Role | None = None
    user_id: int | None = None
    group_id: int | None = None
    is_inherited: bool = False


@dataclass(frozen=True, slots=True)
class RequiredApproval:
    """An approval rule: how many of those admitted have to approve."""

    access: AccessEntry
    count: int


@dataclass(frozen=True, slots=True)
class ProtectedEnvironment:
    """One protection, by the environment's name."""

    name: str
    deployers: tuple[AccessEntry, ...]
    approvals: tuple[RequiredApproval, ...]
