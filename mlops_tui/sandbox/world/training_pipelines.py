"""The pipelines in which the sample runs were trained: every run that a pipeline made is linked to its job."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mlops_tui.sandbox import scheduler
from mlops_tui.sandbox.clock import parse_timestamp, timestamp
from mlops_tui.sandbox.logs import PREPARATION_SECONDS, Timeline
from mlops_tui.sandbox.run_tags import JOB_TAG
from mlops_tui.sandbox.runs import Status
from mlops_tui.sandbox.scripts import Step
from mlops_tui.sandbox.transitions import find_job

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.world.history import History

_SHARE_FROM_PIPELINES = 0.8
_LEAD = timedelta(seconds=40)
_STILL_RUNNING = timedelta(hours=2)
_LONGEST_LOG = 60
# Keeps a job running until its run takes it over.
_HOLD = json.dumps(["sleep 86400"])
_SOURCES = ("push", "push", "push", "web", "schedule")


def plan(history: History, project: Project, random: Random, now: datetime, speed: float) -> None:
    """Plan a training pipeline for most of a project's runs and for every run that still goes on.

    `speed` is that of the clock by which the latter will end.
    """
    for run in history.database.all("SELECT * FROM runs WHERE project_id = ? ORDER BY start_time, id", (project.id,)):
        chosen = random.random() < _SHARE_FROM_PIPELINES
        source = random.choice(_SOURCES)
        started = datetime.fromtimestamp(run["start_time"] / 1000, UTC)
        running = run["status"] == Status.RUNNING
        if run["start_time"] and (chosen or running):
            ended = now + _STILL_RUNNING / speed if running else _ended(run, started)
            _plan_one(history, project, run, source, started, ended)


def _ended(run: Row, started: datetime) -> datetime:
    return datetime.fromtimestamp(run["end_time"] / 1000, UTC) if run["end_time"] else started + timedelta(minutes=5)


def _plan_one(history: History, project: Project, run: Row, source: str, started: datetime, ended: datetime) -> None:
    held: list[_Training] = []

    def create() -> None:
        pipeline = history.run_pipeline(project, run["user_id"] or project.creator_id or 1, source)
        job = _training_job(history.database, pipeline)
        if job is not None:
            held.append(_Training(history, run, job["id"], json.loads(job["script"]), ended))
            history.database.update("ci_jobs", job["id"], {"script": _HOLD})

    def train() -> None:
        for training in held:
            training.take_over()

    history.at(started - _LEAD, create)
    history.at(started, train)


def _training_job(database: Database, pipeline: Row | None) -> Row | None:
    if pipeline is None:
        return None
    return database.one("SELECT * FROM ci_jobs WHERE pipeline_id = ? AND name = 'train'", (pipeline["id"],))


@dataclass(frozen=True, slots=True)
class _Training:
    """A training job that is held until its run begins; `script` is what it really consists of."""

    history: History
    run: Row
    job_id: int
    script: list[str]
    ended: datetime

    def take_over(self) -> None:
        """Give the job the length, the output and the outcome of the run, and link the two."""
        database, run = self.history.database, self.run
        job = find_job(database, self.job_id)
        if job["status"] != "running":
            return
        failed = run["status"] == Status.FAILED
        started = parse_timestamp(job["started_at"])
        timeline = self._timeline((self.ended - started).total_seconds(), failed=failed)
        due = timestamp(started + timedelta(seconds=timeline.seconds))
        values = {"script": json.dumps(self.script), "timeline": timeline.as_text(), "exit_code": int(failed)}
        database.update("ci_jobs", job["id"], {**values, "due_at": due})
        if run["status"] == Status.KILLED:
            self.history.at(self.ended - timedelta(seconds=1), self._cancel)
        _link(database, run, job["id"])

    def _cancel(self) -> None:
        scheduler.cancel(self.history.services, find_job(self.history.database, self.job_id), self.history.now())

    def _timeline(self, seconds: float, *, failed: bool) -> Timeline:
        output = tuple(_output(self.history.database, self.run, failed=failed))
        steps = [Step(self.script[0], output, max(1.0, seconds - PREPARATION_SECONDS))]
        if not failed:
            steps += [Step(line, (line.removeprefix("echo ").strip('"'),), 0.2) for line in self.script[1:]]
        return Timeline(PREPARATION_SECONDS, tuple(steps))


def _link(database: Database, run: Row, job_id: int) -> None:
    tags = [entry for entry in json.loads(run["tags"]) if entry["key"] != JOB_TAG]
    tags.append({"key": JOB_TAG, "value": str(job_id)})
    database.update("runs", run["id"], {"ci_build_id": job_id, "tags": json.dumps(tags)})


def _output(database: Database, run: Row, *, failed: bool) -> list[str]:
    """Return what the training script printed: its parameters, then the metrics of each step."""
    params = ", ".join(f"{entry['key']}={entry['value']}" for entry in json.loads(run["params"])[:8])
    lines = [f"run {run['eid']}", f"parameters: {params}"]
    by_step: dict[int, dict[str, str]] = defaultdict(dict)
    rows = database.all("SELECT name, value, step FROM metrics WHERE run_id = ? ORDER BY id", (run["id"],))
    for row in rows:
        by_step[row["step"] or 0][row["name"]] = "nan" if row["value"] is None else f"{row['value']:.4f}"
    stride = max(1, len(by_step) // _LONGEST_LOG)
    for step in sorted(by_step)[::stride]:
        shown = "  ".join(f"{name}={value}" for name, value in by_step[step].items())
        lines.append(f"step {step:>4}  {shown}")
    if failed:
        lines += ["Traceback (most recent call last):", "MemoryError: unable to allocate 12.4 GiB for the batch"]
    return lines
