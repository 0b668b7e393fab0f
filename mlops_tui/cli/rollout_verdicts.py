"""Judging recorded measurements again: reads a plan and a replay, and writes a verdict after each time stamp."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlops_tui.cli.options import Format
from mlops_tui.cli.output import Listing, json_text, print_listing, write_line
from mlops_tui.cli.tables import Column
from mlops_tui.domain.canonical import plain
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.judgements import Method, Verdict
from mlops_tui.domain.rollout_documents import judgement_document

if TYPE_CHECKING:
    from mlops_tui.cli.measurements import Moment
    from mlops_tui.domain.judgements import Judgement, JudgePlan

_STDIN = "-"
_VERDICTS = (Column("at", "at", is_whole=True), Column("verdict", "verdict", is_whole=True), Column("reason", "reason"))


def judge_replay(plan: str, replay: str, model: str | None, method: Method, output: Format) -> Verdict:
    """Judge a replay by a plan, write every verdict, and answer the last.

    ``plan`` and ``replay`` are files, or - for standard input. Raises UsageError and ConfigError for what cannot be
    read.
    """
    if plan == replay == _STDIN:
        raise UsageError("Standard input holds the plan or the measurements, not both", remedy="Keep one in a file")
    judged = _plan(plan, model)
    shown = []
    last = Verdict.INSUFFICIENT
    with _opened(replay) as lines:
        for moment, judgement in _judgements(judged, method, lines, replay):
            last = judgement.verdict
            item = judgement_document(judgement) | {"at": moment.written}
            if output is Format.NDJSON:
                write_line(json_text(plain(item)))
                sys.stdout.flush()
            else:
                shown.append(item)
    if output is not Format.NDJSON:
        print_listing(Listing("rollout-verdicts", _VERDICTS, shown, SystemClock().now(), replay), output)
    return last


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
