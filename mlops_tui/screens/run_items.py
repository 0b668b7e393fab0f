"""Runs and experiments in other forms than the big table: the list of experiments, and everything about one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.durations import coarse_duration
from mlops_tui.domain.runs import RunStatus
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.status import run_status
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import ListSource, Row

if TYPE_CHECKING:
    from mlops_tui.analysis.run_columns import RunColumns
    from mlops_tui.domain.experiments import Experiment
    from mlops_tui.domain.runs import Run
    from mlops_tui.operations.run_feed import RunTable

_EXPERIMENTS = (
    Column("name", "EXPERIMENT", 10, flex=1, is_sortable=False),
    Column("runs", "RUNS", 7, align=Align.RIGHT, is_sortable=False),
    Column("live", "LIVE", 4, align=Align.RIGHT, is_sortable=False),
)


def experiment_title(experiments: Sequence[Experiment], key: tuple[int, int]) -> str:
    """An experiment's name, with its project where another has the same."""
    found = next((item for item in experiments if (item.project.id, item.iid) == key), None)
    if found is None:
        return "an experiment that is gone"
    is_unique = sum(item.name == found.name for item in experiments) == 1
    return found.name if is_unique else f"{found.project.path}: {found.name}"


def experiment_source(runs: RunTable) -> ListSource:
    """The experiments with the number of their runs, and of those that still run."""
    counts = experiment_counts(runs.columns)
    everything = sum(runs for runs, _ in counts.values()), sum(live for _, live in counts.values())
    rows = [_row("all", "All", everything, Token.STRONG)]
    for item in runs.experiments:
        key = (item.project.id, item.iid)
        title = experiment_title(runs.experiments, key)
        rows.append(_row(f"{key[0]}/{key[1]}", title, counts.get(key, (0, 0)), Token.PLAIN))
    return ListSource(_EXPERIMENTS, rows, len(rows))


def run_description(run: Run) -> Mapping[str, JsonValue]:
    """Everything a run's row tells."""
    return {
        "run_id": run.id,
        "name": run.name,
        "project": run.project.path,
        "experiment": run.experiment,
        "status": run.status.value,
        "started_at": _time(run.started_at),
        "ended_at": _time(run.ended_at),
        "metrics": {
            name: value if math.isfinite(value) else repr(value) for name, value in sorted(run.metrics.items())
        },
        "params": dict(sorted(run.params.items())),
        "tags": dict(sorted(run.tags.items())),
    }


def took_text(run: Run, now: datetime) -> str:
    """How long a run took or has been going on, empty where nobody knows."""
    end = now if run.status.is_live else run.ended_at
    if run.started_at is None or end is None or end < run.started_at:
        return ""
    return coarse_duration(end - run.started_at)


def status_cell(run: Run) -> Cell:
    """A run's state."""
    return run_status(run.status).cell


def experiment_counts(columns: RunColumns) -> dict[tuple[int, int], tuple[int, int]]:
    """How many runs an experiment (project and number) has, and how many of them still run."""
    import numpy as np

    live = np.isin(columns.statuses, [place for place, status in enumerate(RunStatus) if status.is_live])
    size = len(columns.experiments)
    every = np.bincount(columns.sources, minlength=size)
    running = np.bincount(columns.sources[live], minlength=size)
    return {
        (item.project.id, item.iid): (int(every[place]), int(running[place]))
        for place, item in enumerate(columns.experiments)
    }


def _row(key: str, title: str, counts: tuple[int, int], token: Token) -> Row:
    runs, live = counts
    shown = number(str(live), Token.RUNNING) if live else number("")
    return Row(key, (Cell(title, token), number(f"{runs:,}"), shown))


def _time(moment: datetime | None) -> str | None:
    return instant(moment) if moment is not None else None
