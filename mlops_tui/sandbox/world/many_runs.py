"""The large world: a sweep of 100,000 runs in one experiment and a model with 500 versions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import orjson

from mlops_tui.sandbox import internal_ids
from mlops_tui.sandbox.experiments import create_experiment
from mlops_tui.sandbox.model_versions import NewVersion, create_version
from mlops_tui.sandbox.models import create_model
from mlops_tui.sandbox.runs import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from random import Random

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database

RUNS = 100_000
VERSIONS = 500
_DAYS = 60
_USER_ID = 3
_OPTIMIZERS = ("adam", "adamw", "sgd")
_INSERT_RUN = (
    "INSERT INTO runs (id, project_id, experiment_id, iid, eid, name, status, start_time, end_time, user_id, metrics,"
    " params, tags, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_METRIC = "INSERT INTO metrics (run_id, name, value, tracked_at, step) VALUES (?, ?, ?, ?, ?)"


def build(database: Database, project: Project, now: datetime, random: Random) -> None:
    """Insert the sweep and the model."""
    started = now - timedelta(days=_DAYS)
    experiment_id = create_experiment(database, project.id, f"{project.path}-sweep", user_id=_USER_ID, now=started)
    first_id = int(database.value("SELECT coalesce(max(id), 0) + 1 FROM runs"))
    first_iid = internal_ids.allocate(database, project.id, "runs", RUNS)
    sweep = _Sweep(np.random.default_rng(random.getrandbits(64)), started, (now - started) / RUNS)
    database.connection.executemany(
        _INSERT_RUN,
        (
            (first_id + number, project.id, experiment_id, first_iid + number, *columns)
            for number, columns in enumerate(sweep.rows())
        ),
    )
    database.connection.executemany(_INSERT_METRIC, ((first_id + number, *row) for number, row in sweep.metric_rows()))
    _versions(database, project, now)


class _Sweep:
    """The drawn values of every run, column by column."""

    def __init__(self, generator: np.random.Generator, started: datetime, spacing: timedelta) -> None:
        first = int(started.timestamp() * 1000)
        step = spacing.total_seconds() * 1000
        starts = (first + np.arange(RUNS) * step).astype(np.int64)
        self.starts: list[int] = starts.tolist()
        self.created: list[str] = np.datetime_as_string(starts.astype("datetime64[ms]"), timezone="UTC").tolist()
        self.durations: list[int] = generator.integers(30_000, 3_600_000, RUNS).tolist()
        self.rates: list[float] = np.round(10 ** generator.uniform(-4, -0.5, RUNS), 6).tolist()
        self.depths: list[int] = generator.integers(3, 12, RUNS).tolist()
        self.seeds: list[int] = generator.integers(0, 10_000, RUNS).tolist()
        quality = 0.9 - 0.05 * np.abs(np.log10(np.array(self.rates) / 0.03)) + generator.normal(0, 0.02, RUNS)
        self.scores: list[float] = np.round(np.clip(quality, 0.5, 0.999), 6).tolist()
        self.losses: list[float] = np.round(
            0.9 - 0.8 * np.array(self.scores) + generator.normal(0, 0.01, RUNS), 6
        ).tolist()
        chances = generator.random(RUNS)
        failed = np.where(chances < 0.02, int(Status.FAILED), int(Status.FINISHED))
        self.statuses: list[int] = np.where(chances > 0.995, int(Status.KILLED), failed).tolist()
        self._ids = generator.bytes(16 * RUNS)

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield the columns of each run from `eid` on."""
        for number in range(RUNS):
            start = self.starts[number]
            end = start + self.durations[number]
            yield (
                self._eid(number),
                f"sweep-{number:06d}",
                self.statuses[number],
                start,
                end,
                _USER_ID,
                self._metrics(number, end),
                self._params(number),
                '[{"key":"team","value":"risk"},{"key":"mlflow.source.name","value":"sweep.py"}]',
                self.created[number],
                self.created[number],
            )

    def metric_rows(self) -> Iterator[tuple[int, tuple[str, float, int, int]]]:
        """Yield the logged rows: the place of the run, then key, value, time and step."""
        for number in range(RUNS):
            end = self.starts[number] + self.durations[number]
            yield number, ("auc", self.scores[number], end, 10)
            yield number, ("loss", self.losses[number], end, 10)

    def _eid(self, number: int) -> str:
        digits = self._ids[16 * number : 16 * number + 16].hex()
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def _metrics(self, number: int, end: int) -> str:
        return (
            f'[{{"key":"auc","value":{self.scores[number]},"timestamp":{end},"step":10}},'
            f'{{"key":"loss","value":{self.losses[number]},"timestamp":{end},"step":10}}]'
        )

    def _params(self, number: int) -> str:
        return (
            f'[{{"key":"learning_rate","value":"{self.rates[number]}"}},'
            f'{{"key":"max_depth","value":"{self.depths[number]}"}},'
            f'{{"key":"optimizer","value":"{_OPTIMIZERS[number % 3]}"}},'
            f'{{"key":"seed","value":"{self.seeds[number]}"}}]'
        )


def _versions(database: Database, project: Project, now: datetime) -> None:
    """Insert a model whose versions count up by patch, minor and major."""
    started = now - timedelta(days=_DAYS)
    model = create_model(database, project.id, project.path, user_id=_USER_ID, now=started, description="# Many\n")
    for number in range(VERSIONS):
        made = started + timedelta(days=_DAYS) * number / VERSIONS
        version = f"{1 + number // 100}.{number // 10 % 10}.{number % 10}"
        row = create_version(
            database, model, NewVersion(version=version, description=f"Version {version}"), user_id=_USER_ID, now=made
        )
        values = orjson.dumps([{"key": "auc", "value": round(0.8 + number / 5000, 4), "timestamp": 0, "step": 1}])
        database.update("runs", row["run_id"], {"metrics": values.decode(), "status": int(Status.FINISHED)})
        database.execute(_INSERT_METRIC, (row["run_id"], "auc", round(0.8 + number / 5000, 4), 0, 1))
