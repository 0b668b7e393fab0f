"""The calls of a decision: what is kept, what decides, what shows it, and what starts the job."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.domain.actions import Intent
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.approval_states import ApprovalState
from mlops_tui.domain.approvals import COMMENT_LIMIT, Approval, ApprovalKind, Decision
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.evidence_sheets import Keeping
from mlops_tui.domain.projects import Role, User
from mlops_tui.domain.promotion_requests import APPROVED, PENDING, REJECTED, DecisionNote, decision_text, labels
from mlops_tui.gitlab import issues, merge_requests
from mlops_tui.gitlab.approvals import decide_call
from mlops_tui.gitlab.evidence_sheets import store_call
from mlops_tui.gitlab.jobs import play_call
from mlops_tui.operations.evidence_sheets import EvidenceSheet


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to say; ``runs`` starts the job once every approval is there.

    ``represented_as`` names the rule to decide for where several admit the person, empty for the first.
    """

    decision: Decision
    comment: str = ""
    runs: bool = False
    represented_as: str = ""


@dataclass(frozen=True, slots=True)
class DecisionCalls:
    """The calls in their order; only ``deciding`` ones make the decision, the others belong to it."""

    storing: ApiCall | None
    deciding: tuple[ApiCall, ...]
    showing: tuple[ApiCall, ...]
    starting: ApiCall | None

    @property
    def all(self) -> tuple[ApiCall, ...]:
        """Every call in its order."""
        parts = ((self.storing,), self.deciding, self.showing, (self.starting,))
        return tuple(call for part in parts for call in part if call is not None)


def only_starts(approval: Approval, wish: Wish) -> bool:
    """Whether everything is approved and only the job is left to be started."""
    return (
        wish.decision is Decision.APPROVED
        and wish.runs
        and approval.state is ApprovalState.APPROVED
        and approval.job_id is not None
    )


def decision_calls(sheet: EvidenceSheet, wish: Wish, intent: Intent, noted: str, me: User) -> DecisionCalls:
    """What is sent for a wish; ``noted`` names evidence and journal. Raises UsageError for a comment too long."""
    approval = sheet.approval
    starting = None
    runs = wish.runs or approval.id.kind is ApprovalKind.MANUAL_JOB
    if approval.job_id is not None and runs and wish.decision is Decision.APPROVED:
        starting = play_call(approval.project.ref, approval.job_id, approval.job_name)
    if only_starts(approval, wish):
        return DecisionCalls(None, (), (), starting)
    storing = _storing(sheet)
    match approval.id.kind:
        case ApprovalKind.DEPLOYMENT:
            return DecisionCalls(storing, (_deployment_call(approval, wish, noted, me),), (), starting)
        case ApprovalKind.MANUAL_JOB:
            return DecisionCalls(storing, (), (), starting)
        case ApprovalKind.MERGE_REQUEST:
            return DecisionCalls(storing, *_merge_request_calls(sheet, wish, intent, noted, me), None)
        case ApprovalKind.ISSUE:
            return DecisionCalls(None, *_issue_calls(sheet, wish, intent, noted), None)


def _storing(sheet: EvidenceSheet) -> ApiCall | None:
    if sheet.keeping is not Keeping.PACKAGE or sheet.evidence is None:
        return None
    return store_call(sheet.approval.project.ref, sheet.evidence.version.id, sheet.digest, sheet.document)


def _deployment_call(approval: Approval, wish: Wish, noted: str, me: User) -> ApiCall:
    comment = " ".join(wish.comment.split())
    text = f"{comment} {noted}".strip()
    if len(text) > COMMENT_LIMIT:
        most = COMMENT_LIMIT - len(noted) - 1
        raise UsageError(
            "The comment is too long",
            why=f"GitLab keeps {COMMENT_LIMIT} characters, {most} of them are left beside the evidence's digest",
            remedy=f"Shorten it by {len(comment) - most}",
        )
    rules = approval.open_rules(me)
    stands_for = wish.represented_as or (rules[0].represented_as if len(rules) > 1 else "")
    number = approval.deployment_id or approval.id.number
    return decide_call(approval.project.ref, number, wish.decision, text, stands_for)


def _merge_request_calls(
    sheet: EvidenceSheet, wish: Wish, intent: Intent, noted: str, me: User
) -> tuple[tuple[ApiCall, ...], tuple[ApiCall, ...]]:
    approval = sheet.approval
    project, iid = approval.project.ref, approval.id.number
    text = decision_text(_note(sheet, wish, intent, noted), wish.comment)
    note = issues.note_call(project, iid, text, "write down the decision", "merge_requests")
    if wish.decision is Decision.APPROVED:
        return (merge_requests.approve_call(project, iid, approval.sha),), (note,)
    mine = any(vote.user.id == me.id for vote in approval.votes)
    withdrawn = (merge_requests.unapprove_call(project, iid),) if mine else ()
    return (*withdrawn, note), ()


def _issue_calls(
    sheet: EvidenceSheet, wish: Wish, intent: Intent, noted: str
) -> tuple[tuple[ApiCall, ...], tuple[ApiCall, ...]]:
    approval = sheet.approval
    project, iid = approval.project.ref, approval.id.number
    text = decision_text(_note(sheet, wish, intent, noted), wish.comment)
    note = issues.note_call(project, iid, text, "write down the decision")
    is_settled = wish.decision is Decision.REJECTED or approval.missing <= 1
    if not is_settled or approval.project.role < Role.REPORTER:
        return (note,), ()
    named = labels(scoped=approval.project.has_deployment_approvals)
    after = APPROVED if wish.decision is Decision.APPROVED else REJECTED
    gone = [named[name] for name in (PENDING, APPROVED, REJECTED) if name != after]
    return (note,), (issues.label_call(project, iid, [named[after]], gone),)


def _note(sheet: EvidenceSheet, wish: Wish, intent: Intent, noted: str) -> DecisionNote:
    return DecisionNote(wish.decision, sheet.digest, intent.id, noted.rsplit(" ", 1)[-1])
