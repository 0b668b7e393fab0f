"""What a training job leaves behind when it ends well: a run in the project's experiment, linked to the job.

The sample projects' `train.py` logs to the experiment `<name>-training`; a job that calls it in a pipeline that was
asked for by the API therefore logs a run, as the history of the demo world has them. Nothing is really trained.
"""

from __future__ import annotations

import json
import random
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from mlops_tui.sandbox.clock import parse_timestamp
from mlops_tui.sandbox.metrics import Metric, latest
from mlops_tui.sandbox.run_tags import JOB_TAG
from mlops_tui.sandbox.runs import Status, create_run
from mlops_tui.sandbox.world import curves

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Services

_COMMAND = "python train.py"


def log_run(services: Services, job: Row, at: str) -> None:
    """Log the run of a job that trained and ended well at a time; other jobs leave nothing."""
    database = services.database
    experiment = _experiment(database, job)
    if experiment is None:
        return
    name = str(experiment["name"]).removesuffix("-training")
    drawn = random.Random(f"{services.settings.seed} training {job['id']}")  # noqa: S311 - nothing secret is drawn
    params = _params(database, experiment, drawn)
    histories = curves.histories(name, params, 1.0, np.random.default_rng(drawn.getrandbits(64)))
    ended = parse_timestamp(at)
    started = parse_timestamp(job["started_at"])
    run_id = create_run(database, experiment, now=started, user_id=job["user_id"], start_time=_milliseconds(started))
    metrics = _metrics(histories, started, ended)
    database.update(
        "runs",
        run_id,
        {
            "status": int(Status.FINISHED),
            "end_time": _milliseconds(ended),
            "ci_build_id": job["id"],
            "metrics": latest("[]", metrics),
            "params": orjson.dumps([{"key": key, "value": str(value)} for key, value in params.items()]).decode(),
            "tags": orjson.dumps(_tags(database, job)).decode(),
            "updated_at": at,
        },
    )
    database.connection.executemany(
        "INSERT INTO metrics (run_id, name, value, tracked_at, step) VALUES (?, ?, ?, ?, ?)",
        [(run_id, metric.key, metric.value, metric.timestamp, metric.step) for metric in metrics],
    )


def _experiment(database: Database, job: Row) -> Row | None:
    """The experiment that a job logs to, None for a job that trains nothing or whose run is there already."""
    if _COMMAND not in json.loads(job["script"]):
        return None
    source = database.value("SELECT source FROM ci_pipelines WHERE id = ?", (job["pipeline_id"],))
    linked = database.value("SELECT 1 FROM runs WHERE ci_build_id = ?", (job["id"],))
    name = str(database.value("SELECT path FROM projects WHERE id = ?", (job["project_id"],)))
    if source != "api" or linked or name not in curves.SCORES:
        return None
    return database.one(
        "SELECT * FROM experiments WHERE project_id = ? AND name = ?", (job["project_id"], f"{name}-training")
    )


def _params(database: Database, experiment: Row, drawn: random.Random) -> dict[str, Any]:
    """The parameters of the newest finished run, on newer data."""
    stored = database.value(
        "SELECT params FROM runs WHERE experiment_id = ? AND status = ? ORDER BY start_time DESC LIMIT 1",
        (experiment["id"], int(Status.FINISHED)),
    )
    defaults = {"learning_rate": 0.05, "max_depth": 7, "epochs": 25, "dropout": 0.1, "seed": 42}
    known = {entry["key"]: entry["value"] for entry in json.loads(stored or "[]")}
    epochs = {"epochs": int(known.get("epochs", defaults["epochs"]))}
    return {**defaults, **known, **epochs, "learning_rate": 0.05, "data_digest": f"{drawn.getrandbits(32):08x}"}


def _metrics(histories: dict[str, Any], started: datetime, ended: datetime) -> list[Metric]:
    epochs = len(next(iter(histories.values())))
    step = (ended - started) / (epochs + 1)
    return [
        Metric(name, float(curve[epoch]), _milliseconds(started + step * (epoch + 1)), epoch)
        for epoch in range(epochs)
        for name, curve in histories.items()
    ]


def _tags(database: Database, job: Row) -> list[dict[str, str]]:
    sha, ref = database.all("SELECT sha, ref FROM ci_pipelines WHERE id = ?", (job["pipeline_id"],))[0]
    tags = {
        "mlflow.source.name": "train.py",
        "mlflow.source.git.commit": sha,
        "mlflow.source.git.branch": ref,
        JOB_TAG: str(job["id"]),
    }
    return [{"key": key, "value": value} for key, value in tags.items()]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
