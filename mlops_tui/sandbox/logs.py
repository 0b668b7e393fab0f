"""Job logs, as a runner writes them: sections, ANSI colours and the script's commands with what they printed.

A log is a function of the job and the time, so it grows while the job runs and needs no storing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mlops_tui.sandbox.clock import parse_timestamp
from mlops_tui.sandbox.scripts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mlops_tui.sandbox.database import Row

PREPARATION_SECONDS = 2.0
_RESET = "\x1b[0;m"
_CLEAR = "\x1b[0K"


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a job does from its start on: seconds of preparation, then the steps of its script."""

    preparation: float
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """How long the whole takes."""
        return self.preparation + sum(step.seconds for step in self.steps)

    def as_text(self) -> str:
        """Return the form that is stored with a job."""
        return json.dumps({"preparation": self.preparation, "steps": [step.as_json() for step in self.steps]})

    @staticmethod
    def from_text(stored: str) -> Timeline:
        """Read back what `as_text` wrote."""
        fields = json.loads(stored)
        return Timeline(fields["preparation"], tuple(Step.from_json(step) for step in fields["steps"]))


def trace(job: Row, now: datetime) -> str:
    """Return the log of a job as far as it was written; empty before the start and after erasing.

    Args:
        job: A row of `ci_jobs`.
        now: The time up to which a running job has written.
    """
    if job["started_at"] is None or job["timeline"] is None or job["erased_at"] is not None:
        return ""
    started = parse_timestamp(job["started_at"])
    ended = parse_timestamp(job["finished_at"]) if job["finished_at"] else None
    elapsed = ((ended or now) - started).total_seconds()
    lines = _lines(job, Timeline.from_text(job["timeline"]), started)
    # A finished job has written everything its timeline holds; rounding must not cut the last line.
    margin = 0.001 if job["status"] in {"success", "failed"} else 0.0
    written = [text for offset, text in lines if offset <= elapsed + margin]
    return "".join(f"{text}\n" for text in [*written, *_ending(job)])


def _lines(job: Row, timeline: Timeline, started: datetime) -> Iterator[tuple[float, str]]:
    """Yield every line of the log with the seconds after the start at which it is written."""

    def clock(offset: float) -> int:
        return int((started + timedelta(seconds=offset)).timestamp())

    tags = ", ".join(json.loads(job["tags"])) or "untagged"
    ready = timeline.preparation
    yield 0.0, f"{_CLEAR}Running with gitlab-runner 18.9.0 (91a27b2a){_RESET}"
    yield 0.0, f"{_CLEAR}  on sandbox ({tags}){_RESET}"
    yield 0.0, f"section_start:{clock(0)}:prepare_executor\r{_CLEAR}{_CLEAR}\x1b[36;1mPreparing the executor{_RESET}"
    yield ready / 2, "Using Docker executor with image python:3.11-slim ..."
    yield ready / 2, f"section_end:{clock(ready / 2)}:prepare_executor\r{_CLEAR}"
    yield ready, f"section_start:{clock(ready)}:step_script\r{_CLEAR}{_CLEAR}\x1b[36;1mExecuting the job script{_RESET}"
    offset = ready
    for step in timeline.steps:
        yield offset, f"\x1b[32;1m$ {step.command}{_RESET}"
        yield from _spread(step.output, offset, step.seconds)
        offset += step.seconds
    yield offset, f"section_end:{clock(offset)}:step_script\r{_CLEAR}"


def _spread(output: Sequence[str], offset: float, seconds: float) -> Iterator[tuple[float, str]]:
    for number, line in enumerate(output, start=1):
        yield offset + seconds * number / len(output), line


def _ending(job: Row) -> list[str]:
    """Return the last line of a job that has ended."""
    match job["status"]:
        case "success":
            return [f"\x1b[32;1mJob succeeded{_RESET}"]
        case "failed":
            return [f"\x1b[31;1mERROR: Job failed: exit code {job['exit_code'] or 1}{_RESET}"]
        case "canceled":
            return [f"\x1b[31;1mERROR: Job failed: canceled{_RESET}"]
        case _:
            return []
