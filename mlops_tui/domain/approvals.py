"""Approvals: what waits for a person, whose word is missing, and whether it may be ours.

Four things of GitLab's wait for people: a deployment to an environment with approval rules, a merge request, an issue
that asks for a promotion, and a manual job. Each is one ``Approval`` here, so that one list holds them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from mlops_tui.domain.approval_states import ApprovalState, Obstacle
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.projects import Project, Role, User

COMMENT_LIMIT = 255


class ApprovalKind(StrEnum):
    """What waits."""

    DEPLOYMENT = "deployment"
    MERGE_REQUEST = "merge_request"
    ISSUE = "issue"
    MANUAL_JOB = "manual_job"

    @property
    def words(self) -> str:
        """The kind for reading."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class ApprovalId:
    """What names an approval: ``number`` is a deployment's or job's global id, a merge request's or issue's iid."""

    kind: ApprovalKind
    project_id: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``deployment:102:57``; raises UsageError for anything else."""
        kind, _, rest = text.partition(":")
        project, _, number = rest.partition(":")
        is_plain = all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (project, number))
        if kind not in set(ApprovalKind) or not is_plain:
            kinds = ", ".join(ApprovalKind)
            raise UsageError(
                f"{text!r} is no approval",
                why=f"it is written KIND:PROJECT ID:NUMBER, the kind being one of {kinds}",
                remedy="See `mlops-tui approvals list`",
            )
        return cls(ApprovalKind(kind), int(project), int(number))

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.project_id}:{self.number}"


class Decision(StrEnum):
    """What a person says."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision as GitLab keeps it; ``rule`` is empty where GitLab does not say which rule it serves.

    ``note_id`` is the note that holds it, None for decisions that GitLab keeps itself.
    """

    user: User
    decision: Decision
    at: datetime
    comment: str = ""
    rule: str = ""
    note_id: int | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who has to agree, how many of them, and how many did.

    ``eligible`` are the people that the rule admits, voters and requester included, None where this token may not see
    them. ``admits_me`` is what GitLab says about the token's own user. ``represented_as`` is the name under which
    GitLab takes a decision for this rule, empty where the rule has none.
    """

    name: str
    required: int
    approved: int
    eligible: tuple[User, ...] | None = None
    admits_me: bool = False
    represented_as: str = ""

    @property
    def missing(self) -> int:
        """How many approvals are still missing."""
        return max(0, self.required - self.approved)


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts that a state follows from.

    ``has_run`` is whether what was asked for happened, ``has_ended`` whether it ended without. ``is_superseded`` is
    whether something newer took its place, or whether it now asks for something else than was voted on.
    """

    missing: int
    rejections: int = 0
    has_run: bool = False
    has_ended: bool = False
    is_superseded: bool = False

    @property
    def state(self) -> ApprovalState:
        """The state; what happened counts for more than what was said, and a rejection for more than any approval."""
        if self.has_run:
            return ApprovalState.DONE
        if self.rejections:
            return ApprovalState.REJECTED
        if self.is_superseded:
            return ApprovalState.SUPERSEDED
        if self.has_ended:
            return ApprovalState.EXPIRED
        return ApprovalState.WAITING if self.missing else ApprovalState.APPROVED


@dataclass(frozen=True, slots=True)
class Approval:
    """One thing that waits for people.

    ``model`` and ``version`` are empty where nothing names them. ``obstacle`` is why the token's own user may not
    approve, None when nothing is in the way; ``may_reject`` is told apart, since GitLab lets a triggerer reject.
    ``notices`` are sentences about votes that do not count and why. ``job_id`` and ``deployment_id`` are what runs
    after the approval; ``sha`` is what is decided on.
    """

    id: ApprovalId
    project: Project
    title: str
    model: str
    version: str
    environment: str
    is_production: bool
    requested_by: User | None
    waiting_since: datetime
    state: ApprovalState
    rules: tuple[ApprovalRule, ...]
    votes: tuple[Vote, ...]
    obstacle: Obstacle | None
    may_reject: bool
    web_url: str = ""
    sha: str = ""
    job_id: int | None = None
    job_name: str = ""
    pipeline_id: int | None = None
    deployment_id: int | None = None
    evidence: str = ""
    notices: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many approvals are missing over all rules."""
        return sum(rule.missing for rule in self.rules)

    @property
    def can_decide(self) -> bool:
        """Whether the token's own user may approve it now."""
        return self.obstacle is None

    @property
    def reason(self) -> str:
        """Why not, as a sentence; empty when nothing is in the way."""
        return self.obstacle.sentence if self.obstacle else ""

    @property
    def is_unblocked_by_me(self) -> bool:
        """Whether one word of the token's own user is all that is missing."""
        return self.can_decide and self.missing <= 1

    def open_rules(self, me: User) -> tuple[ApprovalRule, ...]:
        """The rules that still miss approvals and would take one from this user."""
        served = {vote.rule for vote in self.votes if vote.user.id == me.id and vote.decision is Decision.APPROVED}
        return tuple(rule for rule in self.rules if rule.missing and rule.admits_me and rule.name not in served)

    def can_still_approve(self, rule: ApprovalRule, barred: Iterable[int] = ()) -> tuple[User, ...] | None:
        """Who can still approve under a rule; None where nobody told us whom it admits.

        ``barred`` are the ids of people who may not, besides those who approved under the rule already.
        """
        if rule.eligible is None:
            return None
        gone = {vote.user.id for vote in self.votes if vote.decision is Decision.APPROVED and vote.rule == rule.name}
        gone |= set(barred)
        return tuple(user for user in rule.eligible if user.id not in gone)

    @property
    def barred(self) -> frozenset[int]:
        """The ids of people whose approval GitLab or the policy would not take: who triggered or asked for it."""
        own = self.requested_by
        if own is None:
            return frozenset()
        if self.id.kind is ApprovalKind.DEPLOYMENT and self.project.triggerer_may_approve:
            return frozenset()
        return frozenset() if self.id.kind is ApprovalKind.MANUAL_JOB else frozenset({own.id})


def in_inbox_order(approvals: Iterable[Approval]) -> tuple[Approval, ...]:
    """What one's own word settles first, then what one may decide, then the rest; the longest waiting first."""
    return tuple(
        sorted(approvals, key=lambda item: (not item.is_unblocked_by_me, not item.can_decide, item.waiting_since))
    )


def admitted(rule: ApprovalRule, me: User) -> bool:
    """Whether a rule admits a user, as far as its people are known."""
    return rule.admits_me or any(user.id == me.id for user in rule.eligible or ())


def role_name(level: int) -> str:
    """How GitLab names a rule for everybody of a role and above; empty where it has no name for one.

    GitLab: ee/app/models/protected_environments/authorizable.rb.
    """
    return {int(Role.MAINTAINER): "Maintainers", int(Role.DEVELOPER): "Developers + Maintainers"}.get(level, "")
