"""Views on which one decides: the same three keys on the inbox and on a sheet."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind, Decision
from mlops_tui.domain.errors import MlopsError, RefusedError
from mlops_tui.screens.acting import act, tell
from mlops_tui.screens.actions import DECIDING_ACTIONS
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import Refusal, bindings
from mlops_tui.widgets.chooser import Choice
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.form import ChoiceField, FormDialog, FormField, TextField

if TYPE_CHECKING:
    from mlops_tui.domain.projects import User
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.decision_calls import Wish
    from mlops_tui.operations.evidence_sheets import EvidenceSheet

logger = logging.getLogger(__name__)

_VERBS = {Decision.APPROVED: "Approve", Decision.REJECTED: "Reject"}


class DecidingView(View):
    """A view that knows what it would be decided on."""

    SHARED_SCOPES: ClassVar[tuple[str, ...]] = (*View.SHARED_SCOPES, "deciding")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DECIDING_ACTIONS)]

    def chosen(self) -> Sequence[Approval]:
        """The marked things, or the one under the cursor."""
        raise NotImplementedError

    def opened_sheet(self) -> EvidenceSheet | None:
        """The sheet that the person looks at, None where a decision opens one of its own."""
        return None

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view refuses: nothing chosen, and what GitLab would turn away, with its reason."""
        general = super().refusal(action_id)
        if general is not None or not action_id.startswith("deciding."):
            return general
        chosen = self.chosen()
        if not chosen:
            return Refusal("nothing chosen", "There is nothing under the cursor to decide on")
        return _refusal(chosen[0], action_id.partition(".")[2]) if len(chosen) == 1 else None

    def action_approve(self) -> None:
        """Approve."""
        self._decide(Decision.APPROVED)

    def action_reject(self) -> None:
        """Reject, and say why."""
        self._decide(Decision.REJECTED)

    def action_comment(self) -> None:
        """Comment without deciding."""
        chosen = self.chosen()
        if chosen:
            act(self, "Comment", partial(_prepare_comment, self, chosen[0].id))

    def _decide(self, decision: Decision) -> None:
        chosen = self.chosen()
        if len(chosen) == 1:
            act(self, _VERBS[decision], partial(_prepare, self, chosen[0].id, decision), partial(_done, self, decision))
        elif chosen:
            decide_many(self, [item.id for item in chosen], decision)


def _refusal(approval: Approval, method: str) -> Refusal | None:
    match method:
        case "approve" if approval.obstacle is not None and not _may_start(approval):
            return Refusal(approval.obstacle.value, f"{approval.reason}.")
        case "reject" if not approval.may_reject:
            if approval.id.kind is ApprovalKind.MANUAL_JOB:
                return Refusal("a manual job", "GitLab cannot reject a manual job: it is started or left")
            return Refusal("not possible", f"{approval.reason or 'GitLab takes no rejection here'}.")
        case "comment" if approval.id.kind in {ApprovalKind.DEPLOYMENT, ApprovalKind.MANUAL_JOB}:
            return Refusal("no comments", f"GitLab keeps no comments on a {approval.id.kind.words}")
        case _:
            return None


def _may_start(approval: Approval) -> bool:
    return approval.state.is_open and not approval.missing and approval.job_id is not None


async def _sheet(view: DecidingView, approval_id: ApprovalId) -> EvidenceSheet | None:
    """The sheet that is open, else one of now."""
    from mlops_tui.operations.evidence_sheets import open_sheet

    opened = view.opened_sheet()
    if opened is not None and opened.approval.id == approval_id:
        return opened
    session = view.host.session
    return (await open_sheet(session, approval_id)).data if session is not None else None


async def _prepare(view: DecidingView, approval_id: ApprovalId, decision: Decision) -> Action | None:
    from mlops_tui.operations.decisions import prepare_decision

    session = view.host.session
    sheet = await _sheet(view, approval_id)
    if session is None or sheet is None:
        return None
    wish = await _ask(view, sheet, decision, await session.identify())
    return await prepare_decision(session, sheet, wish) if wish is not None else None


async def _ask(view: DecidingView, sheet: EvidenceSheet, decision: Decision, me: User) -> Wish | None:
    """Ask for the comment and, where there is a choice, what else belongs to the decision."""
    from mlops_tui.operations.decision_calls import Wish

    approval = sheet.approval
    fields: list[FormField] = [_comment_field(decision, sheet.digest)]
    if decision is Decision.APPROVED and approval.job_id is not None and approval.id.kind is ApprovalKind.DEPLOYMENT:
        last = approval.missing <= 1
        note = "" if last else f"{approval.missing - 1} more approvals are missing"
        choices = (
            Choice("approve", "approve only", "the job is started later"),
            Choice("run", "approve and run", "starts the job once it is approved", note),
        )
        fields.append(ChoiceField("run", "What to do", choices, default="approve"))
    rules = [rule for rule in approval.open_rules(me) if rule.represented_as]
    if len(rules) > 1:
        named = tuple(Choice(rule.represented_as, rule.name, f"{rule.missing} missing") for rule in rules)
        fields.append(ChoiceField("rule", "For the rule", named, default=rules[0].represented_as))
    answers = await view.app.push_screen_wait(FormDialog(f"{_VERBS[decision]}: {approval.title}", fields))
    if answers is None:
        return None
    return Wish(decision, answers["comment"], answers.get("run") == "run", answers.get("rule", ""))


def _comment_field(decision: Decision, evidence: str) -> TextField:
    is_required = decision is Decision.REJECTED
    label = "Why" if is_required else "Comment"
    label += f", beside evidence sha256:{evidence[:16]}…" if evidence else ", beside the digest of the evidence"
    return TextField("comment", label, is_required, placeholder="" if is_required else "may be empty")


async def _prepare_comment(view: DecidingView, approval_id: ApprovalId) -> Action | None:
    from mlops_tui.operations.decisions import prepare_comment

    session = view.host.session
    sheet = await _sheet(view, approval_id)
    if session is None or sheet is None:
        return None
    field = TextField("comment", "Comment")
    answers = await view.app.push_screen_wait(FormDialog(f"Comment on {sheet.approval.title}", (field,)))
    return await prepare_comment(session, sheet, answers["comment"]) if answers is not None else None


def _done(view: View, decision: Decision, receipt: Receipt) -> None:
    """Tell what GitLab recorded; a job that was started is followed."""
    tell(view, _VERBS[decision], receipt)
    if "pipeline" in receipt.followed:
        from mlops_tui.screens.following import FollowingView

        view.app.push_screen(FollowingView(receipt))


def decide_many(view: View, approval_ids: Sequence[ApprovalId], decision: Decision) -> None:
    """Decide alike on several things: one preview, a receipt for each."""
    if any(worker.group == "acting" and worker.is_running for worker in view.app.workers):
        view.notify("Another action is still under way", severity="warning", markup=False)
        return
    view.run_worker(_decide_many(view, approval_ids, decision), group="acting", exit_on_error=False)


async def _decide_many(view: View, approval_ids: Sequence[ApprovalId], decision: Decision) -> None:
    from mlops_tui.gitlab.budget import Priority, reading_as

    verb = _VERBS[decision]
    try:
        with reading_as(Priority.ACTION):
            receipts, refused = await _carried_out(view, approval_ids, decision)
    except MlopsError as error:
        view.notify(str(error), title=f"{verb}: refused", severity="error", timeout=15, markup=False)
        return
    except Exception as error:
        logger.exception("the decisions failed")
        view.notify(f"{type(error).__name__}: see the log file", title=verb, severity="error", markup=False)
        return
    for receipt in receipts:
        tell(view, verb, receipt)
    for approval_id, why in refused:
        view.notify(f"{approval_id}: {why}", title=f"{verb}: left out", severity="warning", timeout=30, markup=False)
    done = sum(receipt.outcome is Outcome.DONE for receipt in receipts)
    view.notify(f"{done} of {len(approval_ids)} done", title=verb, markup=False)
    view.refresh_after_action()


async def _carried_out(
    view: View, approval_ids: Sequence[ApprovalId], decision: Decision
) -> tuple[Sequence[Receipt], Sequence[tuple[ApprovalId, str]]]:
    from mlops_tui.operations.bulk_decisions import prepare_decisions, run_decisions
    from mlops_tui.operations.decision_calls import Wish

    session = view.host.session
    title = f"{_VERBS[decision]} {len(approval_ids)}"
    answers = await view.app.push_screen_wait(FormDialog(title, (_comment_field(decision, ""),)))
    if session is None or answers is None:
        raise RefusedError("Nothing was sent")
    bulk = await prepare_decisions(session, approval_ids, Wish(decision, answers["comment"]))
    dialog = ConfirmDialog(bulk.preview, origin=view.host.context.url, verb=_VERBS[decision])
    typed = await view.app.push_screen_wait(dialog)
    if typed is None:
        raise RefusedError("Nothing was sent")
    return await run_decisions(session, bulk, typed), bulk.refused
