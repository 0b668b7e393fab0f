"""``mlops-tui rollouts``: bring a version to a growing share of the traffic, and judge it while both serve."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_tui.cli.actions import carry_out
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import print_snapshot
from mlops_tui.cli.rollout_items import LIST, PAGE, page_rows, whole_item
from mlops_tui.cli.session import ask
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import RemoteError, UsageError
from mlops_tui.domain.judgements import Method
from mlops_tui.domain.rollout_documents import rollout_line
from mlops_tui.domain.rollout_states import RolloutState

if TYPE_CHECKING:
    from mlops_tui.domain.rollouts import Rollout
    from mlops_tui.domain.snapshots import Snapshot
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.session import Session

app = noun("rollouts", "Canary rollouts: a new version serves a growing share of the traffic, and is judged by it.")

_ROLLOUT = typer.Argument(metavar="ROLLOUT", help="Its id, or its model as NAME or GROUP/PROJECT:NAME.")
_REASON = typer.Option("--reason", metavar="TEXT", help="Why; it is kept in the journal.")


@app.command("list")
@takes_global_options
def list_rollouts(*, options: GlobalOptions) -> None:
    """List the rollouts of the context's projects, those under way first.

    An empty list says that there is none: where none is found and something could not be read, such as feature flags
    below the role Developer, the command fails instead.
    """
    from mlops_tui.operations.rollouts.listing import rollouts

    snapshot = ask(options, rollouts)
    if not snapshot.data and isinstance(snapshot.error, RemoteError):
        raise snapshot.error
    print_snapshot(snapshot, "rollouts", LIST, map(rollout_line, snapshot.data), options.format)


@app.command("show")
@takes_global_options
def show(name: Annotated[str, _ROLLOUT], *, options: GlobalOptions) -> None:
    """Show one rollout: steps, arms, what is measured, the verdict, what is in the way and what happened."""
    snapshot, evidence, ways = ask(options, lambda session: _show(session, name))
    if options.format in {Format.TABLE, Format.MARKDOWN}:
        rows = page_rows(snapshot.data, evidence, snapshot.fetched_at)
        print_snapshot(snapshot, "rollouts", PAGE, rows, options.format)
        return
    print_snapshot(snapshot, "rollouts", PAGE, [whole_item(snapshot.data, evidence, ways)], options.format)


@app.command("start")
@takes_global_options
def start(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model, as NAME or GROUP/PROJECT:NAME.")],
    versions: Annotated[
        list[str], typer.Argument(metavar="VERSION...", help="One for each new arm of the plan, in its order.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="Where to.")],
    *,
    options: GlobalOptions,
) -> None:
    """Begin a rollout by the plan of the policy file; the preview tells what each step needs."""
    ask(options, lambda session: _start(session, name, tuple(versions), to, options))


@app.command("advance")
@takes_global_options
def advance(
    name: Annotated[str, _ROLLOUT],
    full: Annotated[bool, typer.Option("--full", help="Everything at once, whatever steps are left.")] = False,
    arm: Annotated[
        str | None, typer.Option("--arm", metavar="ARM", help="With --full, which of several new versions.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Go to the next step; after the last one the version is deployed in full."""
    if arm is not None and not full:
        raise UsageError("--arm belongs to --full", remedy="The steps give every new version its share")

    async def prepare(session: Session) -> Action:
        from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full

        return await (prepare_full(session, name, arm) if full else prepare_advance(session, name))

    _act(options, prepare)


@app.command("hold")
@takes_global_options
def hold(name: Annotated[str, _ROLLOUT], reason: Annotated[str, _REASON] = "", *, options: GlobalOptions) -> None:
    """Stay at this step until somebody resumes it."""

    async def prepare(session: Session) -> Action:
        from mlops_tui.operations.rollouts.steps import prepare_hold

        return await prepare_hold(session, name, reason)

    _act(options, prepare)


@app.command("resume")
@takes_global_options
def resume(name: Annotated[str, _ROLLOUT], *, options: GlobalOptions) -> None:
    """Go on after a hold."""

    async def prepare(session: Session) -> Action:
        from mlops_tui.operations.rollouts.steps import prepare_resume

        return await prepare_resume(session, name)

    _act(options, prepare)


@app.command("abort")
@takes_global_options
def abort(name: Annotated[str, _ROLLOUT], reason: Annotated[str, _REASON], *, options: GlobalOptions) -> None:
    """Take all traffic off the new version; the version before is deployed again where it was replaced."""

    async def prepare(session: Session) -> Action:
        from mlops_tui.operations.rollouts.aborts import prepare_abort

        return await prepare_abort(session, name, reason)

    _act(options, prepare)


@app.command("watch")
@takes_global_options
def watch(
    name: Annotated[str, _ROLLOUT],
    until: Annotated[
        RolloutState | None, typer.Option("--until", help="End when this state is reached; else when it is over.")
    ] = None,
    interval: Annotated[str, typer.Option("--interval", metavar="DURATION", help="How often to look.")] = "10s",
    *,
    options: GlobalOptions,
) -> None:
    """Watch a rollout, and with --yes do what its plan allows: go on when healthy, hold, or roll back.

    --timeout ends it after so many seconds, with exit status 3. Without --timeout it ends with the rollout: 0 when it
    is done, 1 when it was rolled back. In production --yes needs --confirm NAME. Every look that tells something new is
    a line of JSON.
    """
    if options.output not in {None, Format.NDJSON}:
        raise UsageError("watch writes lines of JSON", remedy="Leave --output out, or ask for ndjson")
    from mlops_tui.cli.rollout_watch import WatchOptions
    from mlops_tui.cli.rollout_watch import watch as watch_rollout

    try:
        seconds = max(1.0, parse_duration(interval).total_seconds())
    except ValueError as error:
        raise UsageError("--interval is no length of time", why=str(error)) from None
    watched = WatchOptions(until, options.timeout, seconds)
    status = ask(replace(options, timeout=None), lambda session: watch_rollout(session, name, watched, options))
    raise typer.Exit(status)


@app.command("judge")
@takes_global_options
def judge(
    plan: Annotated[
        str,
        typer.Option(
            "--plan",
            metavar="FILE|-",
            help="A policy file (.gitlab/mlops.yml), or the judge's part of a plan as JSON; - is standard input.",
        ),
    ],
    replay: Annotated[
        str,
        typer.Option(
            "--replay",
            metavar="FILE|-",
            help="Measurements, one JSON object a line in time order, each what came since the one before.",
        ),
    ],
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Which model of a policy file.")] = None,
    method: Annotated[Method, typer.Option("--method", help="How evidence is weighed.")] = Method.SEQUENTIAL,
    *,
    options: GlobalOptions,
) -> None:
    """Judge recorded measurements again and write the verdict after each time stamp.

    The exit status is that of the last verdict: 0 HEALTHY, 1 BREACH or INVALID, 3 CONTINUE, INSUFFICIENT or no data.
    """
    from mlops_tui.cli.rollout_verdicts import judge_replay

    raise typer.Exit(judge_replay(plan, replay, model, method, options.format).exit_code)


def _act(options: GlobalOptions, prepare: Callable[[Session], Awaitable[Action]]) -> None:
    async def work(session: Session) -> None:
        await carry_out(session, await prepare(session), options)

    ask(options, work)


async def _start(session: Session, name: str, versions: tuple[str, ...], to: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.rollouts.starts import prepare_start

    summary = await find_model(session, name)
    action = await prepare_start(session, summary.project, summary.model.name, versions, to)
    await carry_out(session, action, options)


async def _show(session: Session, name: str) -> tuple[Snapshot[Rollout], str, dict[str, str]]:
    from mlops_tui.operations.measurements import ways_of_measuring
    from mlops_tui.operations.rollouts.judging import evidence_file
    from mlops_tui.operations.rollouts.listing import rollout

    snapshot = await rollout(session, name)
    plan = snapshot.data.plan
    return snapshot, str(evidence_file(session, snapshot.data).path), ways_of_measuring(plan) if plan else {}
