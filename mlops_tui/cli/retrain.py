"""``mlops-tui retrain``: train a model again by hand, or where its policy calls for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_tui.cli.actions import carry_out
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import GlobalOptions, takes_global_options
from mlops_tui.cli.output import print_snapshot
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column
from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.errors import ExitCode, UsageError
from mlops_tui.domain.text import sentence

if TYPE_CHECKING:
    from mlops_tui.domain.actions import Receipt
    from mlops_tui.domain.retraining import RetrainDecision
    from mlops_tui.domain.snapshots import Snapshot
    from mlops_tui.operations.session import Session

_COLUMNS = (
    Column("project", "project"),
    Column("model", "model"),
    Column("due", "due"),
    Column("automatic", "automatic"),
    Column("objection", "objection"),
    Column("why", "reason"),
    Column("live", "live_version"),
    Column("trainings", "trainings", is_number=True),
    Column("budget", "budget", is_number=True),
)


@takes_global_options
def command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The model, as NAME or GROUP/PROJECT:NAME.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Decide about every model, and begin what may begin by itself.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the evidence.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the training until it ends.")] = True,
    *,
    options: GlobalOptions,
) -> None:
    """Train a model again, with what calls for it attached.

    With --check every model with a retraining policy is decided about; 1 says that a training is due which nobody
    may begin by itself, or that one could not be begun.
    """
    if check is (name is not None):
        raise UsageError("Either a model is named, or --check is", remedy="Say `retrain NAME`, or `retrain --check`")
    if name is None:
        ask(options, lambda session: _check(session, options))
    else:
        ask(options, lambda session: _retrain(session, name, reason, options, waits=wait))


async def _retrain(session: Session, name: str, reason: str, options: GlobalOptions, *, waits: bool) -> None:
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.retraining import prepare_retraining
    from mlops_tui.operations.training_results import training_result

    async def compared(receipt: Receipt) -> None:
        tell(sentence((await training_result(session, receipt)).data.sentence))

    summary = await find_model(session, name)
    action = await prepare_retraining(session, summary.project, summary.model.name, reason)
    await carry_out(session, action, options, waits=waits, ended=compared)


async def _check(session: Session, options: GlobalOptions) -> None:
    from mlops_tui.operations.actions import refuse_when_read_only
    from mlops_tui.operations.retrain_cases import decide_all
    from mlops_tui.operations.retraining import retrain_automatically

    if not options.dry_run:
        refuse_when_read_only(session)
    snapshot: Snapshot[tuple[RetrainDecision, ...]] = await decide_all(session)
    print_snapshot(snapshot, "retrain", _COLUMNS, map(decision_item, snapshot.data), options.format)
    if not snapshot.data:
        tell("No model of these projects has a retraining policy")
    is_left = any(item.is_due and not item.is_automatic for item in snapshot.data)
    async for begun in retrain_automatically(session, () if options.dry_run else snapshot.data):
        receipt = begun.receipt
        is_left = is_left or receipt is None or receipt.outcome is not Outcome.DONE
        tell(f"{begun.decision.case.model}: {receipt.message if receipt else begun.refusal}")
    if is_left:
        raise typer.Exit(ExitCode.GATE)


def decision_item(decision: RetrainDecision) -> dict[str, Any]:
    """What was decided about one model."""
    case, evidence = decision.case, decision.evidence
    return {
        "project": case.project,
        "model": case.model,
        "due": decision.is_due,
        "automatic": case.policy.is_automatic,
        "objection": decision.objection,
        "reason": decision.reason,
        "alert": evidence.alert.fingerprint if evidence else None,
        "p_value": evidence.p_value if evidence else None,
        "windows": len(evidence.points) if evidence else 0,
        "tested": decision.tested,
        "live_version": case.live_version,
        "live_since": case.live_since,
        "trainings": len(case.trainings),
        "budget": case.policy.budget_per_month,
    }
