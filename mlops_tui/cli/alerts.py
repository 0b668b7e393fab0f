"""``mlops-tui alerts``: rules that watch a model's figures, whether they fire, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_tui.cli.actions import carry_out
from mlops_tui.cli.alert_items import COLUMNS, alert_item, escalation_line
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import json_text, print_snapshot, write_line
from mlops_tui.cli.session import ask
from mlops_tui.domain.alerts import AlertState
from mlops_tui.domain.canonical import plain
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from mlops_tui.domain.alert_board import Alert
    from mlops_tui.domain.snapshots import Snapshot
    from mlops_tui.operations.alert_watch import WatchOptions, WatchRound
    from mlops_tui.operations.alerts import AlertBoard
    from mlops_tui.operations.session import Session

app = noun("alerts", "Alerts: rules of the policy file that watch a model's figures.")

_ID = typer.Argument(metavar="ID", help="The beginning of an alert's id, or the name of its rule.")
_MODEL = typer.Option("--model", metavar="NAME", help="Only alerts of this model.")


@app.command("list")
@takes_global_options
def list_alerts(
    model: Annotated[str | None, _MODEL] = None,
    state: Annotated[list[AlertState] | None, typer.Option("--state", help="Only such; repeatable.")] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Judge the newest windows and list every alert; the exit status is 0 whether or not one fires."""
    snapshot = ask(options, lambda session: _evaluate(session, model))
    shown = [item for item in snapshot.data.alerts if not state or item.status.state in state]
    _print(snapshot, shown, options)


@app.command("check")
@takes_global_options
def check(
    model: Annotated[str | None, _MODEL] = None,
    escalate: Annotated[
        bool, typer.Option("--escalate", help="Tell GitLab what fires and what is over, without being asked.")
    ] = False,
    *,
    options: GlobalOptions,
) -> None:
    """Be a gate: 1 where an alert fires that nobody silenced, 3 where too little is known to tell, else 0."""
    snapshot = ask(options, lambda session: _check(session, model, options, escalates=escalate))
    _print(snapshot, snapshot.data.alerts, options)
    status = verdict(snapshot.data.alerts)
    if not snapshot.data.alerts:
        tell("No rule was checked: no policy file of these projects has an alert")
    if status is not ExitCode.DONE:
        raise typer.Exit(status)


@app.command("ack")
@takes_global_options
def acknowledge(
    alert: Annotated[str, _ID],
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="What is being done.")] = "",
    *,
    options: GlobalOptions,
) -> None:
    """Take a firing alert on: nobody is reminded of it any more."""
    ask(options, lambda session: _acknowledge(session, alert, comment, options))


@app.command("silence")
@takes_global_options
def silence(
    alert: Annotated[str, _ID],
    length: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="How long: 30m, 2h, 1d.")] = None,
    ends: Annotated[bool, typer.Option("--end", help="End a silence.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    *,
    options: GlobalOptions,
) -> None:
    """Let nobody be told of an alert for a while; it is still shown."""
    wanted = _length(length, ends=ends)
    ask(options, lambda session: _silence(session, alert, wanted, reason, options))


@app.command("watch")
@takes_global_options
def watch(
    model: Annotated[str | None, _MODEL] = None,
    interval: Annotated[str, typer.Option("--interval", metavar="DURATION", help="How often to look.")] = "1m",
    no_escalation: Annotated[bool, typer.Option("--no-escalation", help="Tell nobody; only look.")] = False,
    no_retraining: Annotated[bool, typer.Option("--no-retraining", help="Begin no training.")] = False,
    until: Annotated[
        AlertState | None, typer.Option("--until", help="End once an alert is in this state; 1 if that is firing.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Judge again and again, and tell GitLab without being asked what fires and what is over.

    Every alert that changed is a line of JSON. Models are trained again where their policy says `automatic: true`.
    """
    if options.output not in {None, Format.NDJSON}:
        raise UsageError("watch writes lines of JSON", remedy="Leave --output out, or ask for ndjson")
    seconds = _duration(interval).total_seconds()
    from mlops_tui.operations.alert_watch import WatchOptions

    wanted = WatchOptions(model, max(1.0, seconds), escalates=not no_escalation, retrains=not no_retraining)
    status = ask(options, lambda session: _watch(session, wanted, until))
    if status is not ExitCode.DONE:
        raise typer.Exit(status)


def verdict(alerts: Sequence[Alert]) -> ExitCode:
    """The exit status that alerts ask for: one that fires beats one that cannot be told; nothing at all is unknown."""
    now = SystemClock().now()
    if any(item.counts(now) for item in alerts):
        return ExitCode.GATE
    if not alerts or any(not item.status.has_data for item in alerts if not item.silence(now)):
        return ExitCode.INSUFFICIENT
    return ExitCode.DONE


async def _evaluate(session: Session, model: str | None) -> Snapshot[AlertBoard]:
    from mlops_tui.operations.alerts import evaluate

    return await evaluate(session, model)


async def _check(
    session: Session, model: str | None, options: GlobalOptions, *, escalates: bool
) -> Snapshot[AlertBoard]:
    from mlops_tui.operations.actions import refuse_when_read_only
    from mlops_tui.operations.escalation import escalate

    if escalates and not options.dry_run:
        refuse_when_read_only(session)
    snapshot = await _evaluate(session, model)
    if escalates and options.dry_run:
        await _tell_plans(session, snapshot.data.alerts)
    elif escalates:
        async for told in escalate(session, snapshot.data.alerts):
            tell(escalation_line(told))
    return snapshot


async def _tell_plans(session: Session, alerts: Sequence[Alert]) -> None:
    """Say what would be told, and send nothing."""
    from mlops_tui.operations.escalation import planned

    for alert, step in await planned(session, alerts):
        tell(f"{alert.title}: would {step.value}")


async def _acknowledge(session: Session, wanted: str, comment: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.alert_handling import prepare_acknowledgement

    alert = (await _evaluate(session, None)).data.find(wanted)
    await carry_out(session, await prepare_acknowledgement(session, alert, comment), options)


async def _silence(session: Session, wanted: str, length: timedelta, reason: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.alert_handling import prepare_silence

    alert = (await _evaluate(session, None)).data.find(wanted)
    await carry_out(session, await prepare_silence(session, alert, length, reason), options)


async def _watch(session: Session, wanted: WatchOptions, until: AlertState | None) -> ExitCode:
    from mlops_tui.operations.actions import refuse_when_read_only
    from mlops_tui.operations.alert_watch import AlertWatch

    if wanted.escalates or wanted.retrains:
        refuse_when_read_only(session)
    async for look in AlertWatch(session, wanted).rounds():
        _write_round(look)
        if until is not None and any(item.status.state is until for item in look.board.alerts):
            break
    return ExitCode.GATE if until is AlertState.FIRING else ExitCode.DONE


def _write_round(look: WatchRound) -> None:
    if look.error is not None:
        tell(f"Nothing could be judged: {look.error}")
    now = SystemClock().now()
    for alert in look.changed:
        write_line(json_text(plain(alert_item(alert, now))))
    for told in look.told:
        tell(escalation_line(told))
    for begun in look.retrained:
        tell(f"{begun.decision.case.model}: {begun.receipt.message if begun.receipt else begun.refusal}")


def _print(snapshot: Snapshot[AlertBoard], alerts: Sequence[Alert], options: GlobalOptions) -> None:
    for notice in snapshot.data.notices:
        tell(notice)
    now = SystemClock().now()
    print_snapshot(snapshot, "alerts", COLUMNS, [alert_item(item, now) for item in alerts], options.format)


def _length(length: str | None, *, ends: bool) -> timedelta:
    if (length is None) is not ends:
        raise UsageError("A silence has a length, or an end", remedy="Say --for DURATION, or --end")
    return _duration(length or "0s")


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
