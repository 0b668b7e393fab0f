"""``mlops-tui rollouts``: bring a version to a growing share of the traffic, and judge it while both serve."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, json_text, print_listing, write_line
from mlops_tui.cli.tables import Column
from mlops_tui.domain.canonical import plain
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.rollouts import Method, Verdict

if TYPE_CHECKING:
    from mlops_tui.cli.measurements import Moment
    from mlops_tui.domain.rollouts import GuardrailResult, Judgement, JudgePlan

app = noun("rollouts", "Canary rollouts: a new version serves a growing share of the traffic, and is judged by it.")

_STDIN = "-"
_VERDICTS = (Column("at", "at", is_whole=True), Column("verdict", "verdict", is_whole=True), Column("reason", "reason"))


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
    if plan == replay == _STDIN:
        raise UsageError("Standard input holds the plan or the measurements, not both", remedy="Keep one in a file")
    judged = _plan(plan, model)
    shown = []
    last = Verdict.INSUFFICIENT
    with _opened(replay) as lines:
        for moment, judgement in _judgements(judged, method, lines, replay):
            last = judgement.verdict
            item = _item(moment, judgement)
            if options.format is Format.NDJSON:
                write_line(json_text(plain(item)))
                sys.stdout.flush()
            else:
                shown.append(item)
    if options.format is not Format.NDJSON:
        print_listing(Listing("rollout-verdicts", _VERDICTS, shown, SystemClock().now(), replay), options.format)
    raise typer.Exit(last.exit_code)


def _plan(place: str, model: str | None) -> JudgePlan:
    from mlops_tui.config.rollouts import parse_judge_plan

    with _opened(place) as file:
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(f"{_title(place)} is no text in UTF-8") from None
    return parse_judge_plan(text, _title(place), model)


def _judgements(plan: JudgePlan, method: Method, lines: IO[bytes], place: str) -> Iterator[tuple[Moment, Judgement]]:
    from mlops_tui.analysis.judge import judge_of
    from mlops_tui.cli.measurements import moments

    judge = judge_of(plan, method)
    for moment in moments(lines, plan, _title(place)):
        yield moment, judge.observe(moment.at, moment.measurements)


@contextmanager
def _opened(place: str) -> Iterator[IO[bytes]]:
    if place == _STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(place).open("rb")  # noqa: SIM115 - closed below; only opening it may fail here
    except OSError as error:
        raise UsageError(f"{place} cannot be read", why=error.strerror or str(error)) from None
    with file:
        yield file


def _title(place: str) -> str:
    return "standard input" if place == _STDIN else place


def _item(moment: Moment, judgement: Judgement) -> dict[str, Any]:
    return {
        "at": moment.written,
        "verdict": judgement.verdict,
        "reason": f"{judgement.reason}.",
        "guardrails": [_guardrail_item(result) for result in judgement.guardrails],
    }


def _guardrail_item(result: GuardrailResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "treatment": result.treatment,
        "verdict": result.verdict,
        "difference": result.difference,
        "lower": result.lower,
        "upper": result.upper,
        "margin": result.margin,
        "margin_kind": result.margin_kind,
        "critical": result.is_critical,
        "n": {arm: int(n) if float(n).is_integer() else n for arm, n in result.n.items()},
        "log_e": result.log_e,
        "reason": f"{result.reason}.",
    }
