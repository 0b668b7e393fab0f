"""Two months of training: runs with their histories, and the models and versions made from the best of them."""

from __future__ import annotations

import io
import uuid
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from mlops_tui.sandbox import internal_ids
from mlops_tui.sandbox.access import Project
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.experiments import create_experiment
from mlops_tui.sandbox.metrics import Metric, latest
from mlops_tui.sandbox.model_versions import NewVersion, create_version
from mlops_tui.sandbox.models import create_model
from mlops_tui.sandbox.package_files import attach, write
from mlops_tui.sandbox.packages import package_of_run
from mlops_tui.sandbox.runs import Status, find_by_eid
from mlops_tui.sandbox.settings import World
from mlops_tui.sandbox.world import curves, many_runs, model_cards

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.clock import Clock
    from mlops_tui.sandbox.database import Database, Row

_DAYS = 60
_RUNS = {"fraud": 44, "churn": 36, "demand": 40}
_PEOPLE = ("dev", "sam", "mona")
_NICKNAMES = ("baseline", "wider", "deeper", "calm", "bold", "lean", "fresh", "spring-data", "weekend", "ablation")
# The semantic versions of each model, and how far into the two months their run had been made.
_VERSIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "fraud": (
        ("1.0.0", 0.08), ("1.1.0", 0.22), ("1.2.0", 0.38), ("1.2.1", 0.5), ("2.0.0-rc.1", 0.66), ("2.0.0", 0.78),
        ("2.1.0", 0.95),
    ),
    "churn": (("1.0.0", 0.12), ("1.0.1", 0.3), ("1.1.0", 0.58), ("2.0.0", 0.9)),
    "demand": (("0.9.0", 0.1), ("1.0.0", 0.28), ("1.1.0", 0.52), ("1.1.1", 0.7), ("1.2.0", 0.93)),
}  # fmt: skip
# Runs that ended otherwise than well: place among the project's runs, counted from the newest.
_MISHAPS = {
    "fraud": {5: "diverged", 11: "failed"},
    "churn": {4: "killed"},
    "demand": {0: "running"},
}
_MINUTES = (4.0, 38.0)
# A pipeline takes the code as it was when it was created, a little before the training begins.
_LEAD = timedelta(seconds=40)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One run before it is stored; `progress` is its time as a share of the two months."""

    progress: float
    started: datetime
    params: dict[str, float | int | str]
    histories: dict[str, curves.Curve]
    fate: str


@dataclass(slots=True)
class _Company:
    """Where the runs of one project are written to."""

    database: Database
    project: Project
    random: Random
    now: datetime
    generator: np.random.Generator = field(init=False)
    commits: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.random.getrandbits(64))
        self.commits = _main_history(self.database, self.project)

    def commit_at(self, moment: datetime) -> str | None:
        """Return what the default branch was at a time."""
        place = bisect_right(self.commits, (timestamp(moment), "~"))
        return self.commits[place - 1][1] if place else None


def build(world: World, database: Database, clock: Clock, random: Random) -> None:
    """Insert experiments, runs, models and versions; the large world gets very many of each."""
    for row in database.all("SELECT * FROM projects ORDER BY id"):
        project = Project.from_row(row)
        if world is World.LARGE:
            many_runs.build(database, project, clock.now(), random)
        elif world is World.DEMO:
            _build_project(_Company(database, project, random, clock.now()))


def _main_history(database: Database, project: Project) -> list[tuple[str, str]]:
    """Return time and sha of every commit that the default branch pointed at, oldest first."""
    rows = database.all(
        "WITH RECURSIVE history (sha) AS (SELECT sha FROM branches WHERE project_id = ? AND name = ?"
        " UNION SELECT parent_sha FROM commit_parents p JOIN history h ON p.sha = h.sha"
        " WHERE p.project_id = ? AND p.position = 0)"
        " SELECT committed_at, sha FROM commits WHERE project_id = ? AND sha IN history ORDER BY committed_at",
        (project.id, project.default_branch, project.id, project.id),
    )
    return [(row["committed_at"], row["sha"]) for row in rows]


def _build_project(company: _Company) -> None:
    name = company.project.path
    started = company.now - timedelta(days=_DAYS)
    users = {row["username"]: row["id"] for row in company.database.all("SELECT id, username FROM users")}
    experiments = _experiments(company, name, started, users["mona"])
    plans = _plans(company)
    eids = [_store(company, plan, experiments[number % 4 == 3], users) for number, plan in enumerate(plans)]
    model = create_model(
        company.database,
        company.project.id,
        name,
        user_id=users["mona"],
        now=started + timedelta(hours=2),
        description=model_cards.model_card(name),
        tags=[{"key": "team", "value": model_cards.team(name)}],
    )
    used: list[int] = []
    for version, share in _VERSIONS[name]:
        used.append(_best(name, plans, share, after=used[-1] if used else -1))
        _release(company, model, version, eids[used[-1]], plans[used[-1]], users)
    _attach_reports(company, [eid for number, eid in enumerate(eids) if number not in used][::7])


def _experiments(company: _Company, name: str, started: datetime, user_id: int) -> dict[bool, Row]:
    """Return the experiment of ordinary training and, under True, that of studies."""
    found: dict[bool, Row] = {}
    for study, title in ((False, f"{name}-training"), (True, f"{name}-studies")):
        tags = [{"key": "team", "value": model_cards.team(name)}]
        experiment_id = create_experiment(
            company.database, company.project.id, title, user_id=user_id, now=started, tags=tags
        )
        (found[study],) = company.database.all("SELECT * FROM experiments WHERE id = ?", (experiment_id,))
    return found


def _plans(company: _Company) -> list[_Plan]:
    """Return a project's runs, oldest first."""
    name, random = company.project.path, company.random
    total = _RUNS[name]
    shares = sorted(random.uniform(0.02, 0.985) for _ in range(total))
    plans = []
    for number, share in enumerate(shares):
        fate = _MISHAPS[name].get(total - 1 - number, "finished")
        params = _params(random, diverges=fate == "diverged")
        histories = curves.histories(name, params, share, company.generator)
        started = company.now - timedelta(days=_DAYS) * (1 - share)
        if fate == "diverged":
            histories = curves.derail(histories)
        elif fate in {"failed", "killed"}:
            histories = {metric: curve[: len(curve) // 2] for metric, curve in histories.items()}
        elif fate == "running":
            histories = {metric: curve[: len(curve) * 2 // 3] for metric, curve in histories.items()}
            started = company.now - timedelta(minutes=19)
        plans.append(_Plan(share, started, params, histories, fate))
    return plans


def _params(random: Random, *, diverges: bool) -> dict[str, float | int | str]:
    return {
        "learning_rate": 3.0 if diverges else random.choice((0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)),
        "max_depth": random.choice((4, 5, 6, 7, 8, 10)),
        "epochs": random.choice((20, 25, 30, 40)),
        "batch_size": random.choice((128, 256, 512, 1024)),
        "dropout": random.choice((0.0, 0.05, 0.1, 0.2, 0.3)),
        "seed": random.choice((1, 7, 11, 42, 1234)),
        "optimizer": random.choice(("adam", "adamw", "sgd")),
        "features": random.randrange(18, 42),
        "data_digest": f"{random.getrandbits(32):08x}",
    }


def _store(company: _Company, plan: _Plan, experiment: Row, users: dict[str, int]) -> str:
    """Insert a run with its history and return its UUID."""
    random, project = company.random, company.project
    person = random.choice(_PEOPLE)
    name = f"{random.choice(_NICKNAMES)}-{random.randrange(100, 1000)}"
    eid = str(uuid.UUID(int=random.getrandbits(128), version=4))
    ended = _ended(company, plan)
    metrics = _metrics(plan, ended or company.now)
    params = [{"key": key, "value": str(value)} for key, value in plan.params.items()]
    run_id = company.database.insert(
        "runs",
        {
            "project_id": project.id,
            "experiment_id": experiment["id"],
            "iid": internal_ids.allocate(company.database, project.id, "runs"),
            "eid": eid,
            "name": name,
            "status": int(_STATUS[plan.fate]),
            "start_time": _milliseconds(plan.started),
            "end_time": _milliseconds(ended) if ended else None,
            "user_id": users[person],
            "metrics": latest("[]", metrics),
            "params": orjson.dumps(params).decode(),
            "tags": orjson.dumps(_tags(company, plan, person, name)).decode(),
            "created_at": timestamp(plan.started),
            "updated_at": timestamp(ended or company.now),
        },
    )
    company.database.connection.executemany(
        "INSERT INTO metrics (run_id, name, value, tracked_at, step) VALUES (?, ?, ?, ?, ?)",
        [(run_id, metric.key, metric.value, metric.timestamp, metric.step) for metric in metrics],
    )
    return eid


_STATUS = {
    "finished": Status.FINISHED,
    # The script did not look at its loss.
    "diverged": Status.FINISHED,
    "failed": Status.FAILED,
    "killed": Status.KILLED,
    "running": Status.RUNNING,
}


def _ended(company: _Company, plan: _Plan) -> datetime | None:
    if plan.fate == "running":
        return None
    ended = plan.started + timedelta(minutes=company.random.uniform(*_MINUTES))
    return min(ended, company.now - timedelta(minutes=1))


def _metrics(plan: _Plan, ended: datetime) -> list[Metric]:
    """Return the rows of a run in the order in which they were logged: epoch by epoch."""
    epochs = len(next(iter(plan.histories.values())))
    first, last = _milliseconds(plan.started), _milliseconds(ended)
    metrics = []
    for epoch in range(epochs):
        at = first + (last - first) * (epoch + 1) // (epochs + 1)
        metrics += [Metric(name, float(curve[epoch]), at, epoch) for name, curve in plan.histories.items()]
    return metrics


def _tags(company: _Company, plan: _Plan, person: str, name: str) -> list[dict[str, str]]:
    tags = {
        "mlflow.user": person,
        "mlflow.source.name": "train.py",
        "mlflow.runName": name,
        "team": model_cards.team(company.project.path),
    }
    commit = company.commit_at(plan.started - _LEAD)
    if commit is not None:
        tags |= {"mlflow.source.git.commit": commit, "mlflow.source.git.branch": company.project.default_branch}
    return [{"key": key, "value": value} for key, value in tags.items()]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _best(name: str, plans: list[_Plan], share: float, *, after: int) -> int:
    """Return the place of the best run since the one that the last version was made from."""
    score = curves.chosen_by(name)
    later = [number for number, plan in enumerate(plans) if number > after and plan.fate == "finished"]
    candidates = [number for number in later if plans[number].progress <= share] or later[:1]
    sign = 1 if score.best > score.start else -1
    return max(candidates, key=lambda number: sign * float(plans[number].histories[score.name][-1]))


def _release(company: _Company, model: Row, version: str, eid: str, plan: _Plan, users: dict[str, int]) -> None:
    """Promote a run to a version and store the artifacts of the model."""
    name, database = company.project.path, company.database
    run = find_by_eid(database, company.project.id, eid)
    metrics = curves.last_values(plan.histories)
    made = plan.started + timedelta(hours=company.random.uniform(1, 5))
    made = min(made, company.now - timedelta(hours=6))
    new = NewVersion(
        version=version,
        description=model_cards.version_card(name, version, metrics, {k: str(v) for k, v in plan.params.items()}),
        tags=[{"key": "gitlab.version", "value": version}, {"key": "team", "value": model_cards.team(name)}],
        run=run,
    )
    row = create_version(database, model, new, user_id=users["mona"], now=made)
    files: dict[str, bytes] = {
        "MLmodel": model_cards.ml_model(name, eid, timestamp(made)).encode(),
        "conda.yaml": model_cards.conda(name).encode(),
        "model.npz": _weights(company.generator, int(plan.params["features"]), int(plan.params["max_depth"])),
        "metrics.json": model_cards.metrics_file(metrics).encode(),
        "reports/evaluation.txt": model_cards.evaluation(name, version, metrics).encode(),
    }
    for path, content in files.items():
        attach(database, row["package_id"], path, write(database.files, content), made)


def _weights(generator: np.random.Generator, features: int, depth: int) -> bytes:
    """Return a small NumPy archive that can really be loaded."""
    stream = io.BytesIO()
    hidden = 2**depth
    arrays: dict[str, Any] = {
        "weights": generator.normal(0, 0.1, (features, hidden)).astype(np.float32),
        "bias": np.zeros(hidden, np.float32),
    }
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _attach_reports(company: _Company, eids: list[str]) -> None:
    """Store a report with some runs that became no version."""
    for eid in eids:
        run = find_by_eid(company.database, company.project.id, eid)
        if run is None:
            continue
        at = datetime.fromtimestamp((run["end_time"] or run["start_time"]) / 1000, company.now.tzinfo)
        package_id = package_of_run(company.database, run, creator_id=run["user_id"], now=at)
        metrics = {row["key"]: row["value"] for row in orjson.loads(run["metrics"])}
        shown = {name: float("nan") if value is None else value for name, value in metrics.items()}
        text = model_cards.evaluation(company.project.path, run["name"], shown).encode()
        attach(company.database, package_id, "reports/evaluation.txt", write(company.database.files, text), at)
        content = model_cards.metrics_file(metrics).encode()
        attach(company.database, package_id, "metrics.json", write(company.database.files, content), at)
