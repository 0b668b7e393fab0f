"""A small company's training runs in a sandbox whose clock stands still: known to the digit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.request import Services
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Release, Settings, World
from tests.clocks import START
from tests.operations.company import Company
from tests.sandbox.delivery import PICKUP, Workbench
from tests.sandbox.tracking import Tracking

PROJECT = "sandbox/empty"
MODEL_CARD = b"# fraud\n\nTrees, 200 of them.\n"
WEIGHTS = bytes(range(256)) * 40
AUC = (0.61, 0.72, 0.8, 0.85, 0.88, 0.9, 0.915, 0.92, 0.925, 0.9275)
_JOB_SECONDS = PICKUP + 300
LOSS = (0.7, 0.5, 0.42, 0.36, 0.33, 0.31, 0.3, 0.29, 0.285, 0.28125)


@dataclass(slots=True)
class Training:
    """The sandbox, and the ids of its runs by name."""

    server: RunningSandbox
    runs: dict[str, str] = field(default_factory=dict)
    sha: str = ""
    job_id: int = 0

    def company(self, folder: Path) -> Company:
        """The sandbox as a company whose people keep their files in ``folder``."""
        clock = self.server.clock
        assert isinstance(clock, SandboxClock)
        return Company(self.server, clock, folder)


def moment(minutes: float) -> int:
    """Milliseconds of so many minutes before the tests' own now."""
    return round((START - timedelta(minutes=minutes)).timestamp() * 1000)


def train(server: RunningSandbox) -> Training:
    """Fill an empty sandbox: five runs of fraud-xgb, one of churn, one job, three files."""
    made = Training(server)
    http = Tracking(server)
    _job(made)
    fraud = http.post("experiments/create", name="fraud-xgb").json()["experiment_id"]
    churn = http.post("experiments/create", name="churn").json()["experiment_id"]
    tags = {"team": "risk", "gitlab.CI_JOB_ID": str(made.job_id)}
    _run(made, http, fraud, "xgb-small", 60 * 48, {"lr": "0.1", "depth": "3"}, auc=AUC[:4], loss=LOSS[:4])
    _run(made, http, fraud, "xgb-large", 60 * 26, {"lr": "0.01", "depth": "9"}, tags=tags, auc=AUC, loss=LOSS)
    _run(made, http, fraud, "xgb-deep", 60 * 3, {"lr": "0.01", "depth": "12"}, auc=AUC[:8], loss=LOSS[:8])
    _run(made, http, fraud, "xgb-broken", 45, {"lr": "10", "depth": "3"}, status="FAILED", loss=(0.7, 3.5))
    _run(made, http, fraud, "xgb-now", 4, {"lr": "0.02", "depth": "9"}, status="RUNNING", auc=AUC[:3], loss=LOSS[:3])
    _run(made, http, churn, "logit", 60 * 24 * 9, {"penalty": "l2"}, accuracy=(0.75, 0.8125))
    _upload(http, made.runs["xgb-large"], {"card.md": MODEL_CARD, "model/weights.bin": WEIGHTS, "data/log.txt": b"ok"})
    return made


def _run(
    made: Training,
    http: Tracking,
    experiment: str,
    name: str,
    age: float,
    params: Mapping[str, str],
    *,
    status: str = "FINISHED",
    tags: Mapping[str, str] | None = None,
    **metrics: tuple[float, ...],
) -> None:
    info = http.run(experiment, run_name=name, start_time=moment(age))
    run_id = made.runs[name] = info["run_id"]
    body: dict[str, Any] = {
        "metrics": [
            {"key": key, "value": value, "timestamp": moment(age - step), "step": step}
            for key, values in metrics.items()
            for step, value in enumerate(values)
        ],
        "params": _pairs({**params, "seed": "7"}),
        "tags": _pairs(tags or {}),
    }
    assert http.post("runs/log-batch", run_id=run_id, **body).status_code == 200
    for key, value in (tags or {}).items():
        http.post("runs/set-tag", run_id=run_id, key=key, value=value)
    if status != "RUNNING":
        ended = {"end_time": moment(age - 20), "status": status}
        assert http.post("runs/update", run_id=run_id, **ended).status_code == 200


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def make_nan(server: RunningSandbox, run_id: str, metric: str, step: int) -> None:
    """Make a logged value NaN, as scripts on other clients do: MLflow's route refuses it."""

    def change(services: Services) -> None:
        services.database.execute(
            "UPDATE metrics SET value = NULL WHERE name = ? AND step = ? "
            "AND run_id = (SELECT id FROM runs WHERE eid = ?)",
            (metric, step, run_id),
        )

    server.call(change)


def _upload(http: Tracking, run_id: str, files: Mapping[str, bytes]) -> None:
    uri = http.get("runs/get", run_id=run_id).json()["run"]["info"]["artifact_uri"]
    number = str(uri).split("candidate:")[1].split("/")[0]
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        place = f"{folder}/{name}" if folder else name
        assert http.upload(f"candidate:{number}", place, content).status_code == 201


def _job(made: Training) -> None:
    bench = Workbench(made.server)
    made.sha = bench.configure("train:\n  script: [echo training]\n")
    pipeline = bench.run()
    bench.advance(_JOB_SECONDS)
    made.job_id = bench.jobs(pipeline)["train"]["id"]


def sha256(content: bytes) -> str:
    """The checksum as the registry keeps it."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def trained(settings: Settings) -> Iterator[Training]:
    """A sandbox with the runs in it, whose clock has reached the tests' own now."""
    with running(settings, SandboxClock(START - timedelta(seconds=_JOB_SECONDS))) as server:
        yield train(server)


@pytest.fixture(scope="session")
def training() -> Iterator[Training]:
    """The runs on the newest GitLab, for tests that only read."""
    with trained(Settings(world=World.EMPTY)) as made:
        yield made


@pytest.fixture
def own_training() -> Iterator[Training]:
    """The runs in a sandbox of one's own, for tests that change something."""
    with trained(Settings(world=World.EMPTY)) as made:
        yield made


@pytest.fixture(scope="session")
def old_training() -> Iterator[Training]:
    """The runs on a GitLab without a history route."""
    with trained(Settings(world=World.EMPTY, gitlab=Release.V18_9)) as made:
        yield made
