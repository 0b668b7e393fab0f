"""Several decisions at once: one preview, and a receipt for each, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import Change, Confirmation, ConfirmationKind, Outcome, Preview, Receipt
from mlops_tui.domain.approvals import ApprovalId
from mlops_tui.domain.errors import MlopsError, NotConfirmedError, RefusedError, UsageError
from mlops_tui.operations.actions import Action, run
from mlops_tui.operations.decision_calls import Wish
from mlops_tui.operations.decisions import prepare_decision
from mlops_tui.operations.evidence_sheets import open_sheet
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class BulkDecision:
    """The decisions that can be made and, by id, why others cannot."""

    preview: Preview
    actions: tuple[tuple[ApprovalId, Action], ...]
    refused: tuple[tuple[ApprovalId, str], ...]


async def prepare_decisions(session: Session, approval_ids: Sequence[ApprovalId], wish: Wish) -> BulkDecision:
    """Preview the same decision on several things; each is looked at on a sheet of its own.

    Raises RefusedError when none of them can be decided on, UsageError when there are none.
    """
    if not approval_ids:
        raise UsageError("Nothing was named to decide on", remedy="See `mlops-tui approvals list`")
    actions: list[tuple[ApprovalId, Action]] = []
    refused: list[tuple[ApprovalId, str]] = []
    for approval_id in dict.fromkeys(approval_ids):
        try:
            sheet = (await open_sheet(session, approval_id)).data
            actions.append((approval_id, await prepare_decision(session, sheet, wish)))
        except UsageError:
            raise
        except MlopsError as error:
            refused.append((approval_id, str(error)))
    if not actions:
        raise RefusedError("None of them can be decided on", why="; ".join(why for _, why in refused))
    return BulkDecision(_preview(actions, refused), tuple(actions), tuple(refused))


async def run_decisions(session: Session, bulk: BulkDecision, typed: str) -> tuple[Receipt, ...]:
    """Carry out every decision, one after the other; one that is refused or fails keeps none of the others back.

    Raises NotConfirmedError when ``typed`` is not what the preview asks for.
    """
    if not bulk.preview.confirmation.accepts(typed):
        raise NotConfirmedError(
            "Nothing was sent",
            why="the confirmation does not match",
            remedy=f"Type {bulk.preview.confirmation.name} exactly as it is written",
        )
    receipts: list[Receipt] = []
    for _, action in bulk.actions:
        intent = action.preview.intent
        try:
            receipts.append(await run(session, action, action.preview.confirmation.name))
        except RefusedError as error:
            receipts.append(Receipt(intent, Outcome.REFUSED, str(error), ()))
        except MlopsError as error:
            receipts.append(Receipt(intent, Outcome.FAILED, str(error), ()))
    return tuple(receipts)


def _preview(actions: Sequence[tuple[ApprovalId, Action]], refused: Sequence[tuple[ApprovalId, str]]) -> Preview:
    previews = [action.preview for _, action in actions]
    first = previews[0]
    if len(previews) == 1 and not refused:
        return first
    models = sorted({item.confirmation.name or item.intent.subject.model for item in previews} - {""})
    is_production = any(item.is_production for item in previews)
    name = " ".join((str(len(previews)), *models))
    return replace(
        first,
        title=f"{len(previews)} decisions: {first.intent.kind.value}",
        calls=tuple(call for item in previews for call in item.calls),
        changes=tuple(Change(item.title, item.changes[0].before, item.changes[0].after) for item in previews),
        confirmation=Confirmation(ConfirmationKind.TYPE_NAME, name)
        if is_production
        else Confirmation(ConfirmationKind.YES),
        is_production=is_production,
        obstacles=tuple(
            [f"{approval_id} is left out: {why}" for approval_id, why in refused]
            + [sentence for item in previews for sentence in item.obstacles]
        ),
        gaps=tuple(f"{item.intent.subject.model}: {gap}" for item in previews for gap in item.gaps),
    )
