"""Two months of training: runs with their histories, and the models and versions made from the best of them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from mlops_tui.sandbox import internal_ids
from mlops_tui.sandbox.access import Project
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.experiments import create_experiment
from mlops_tui.sandbox.metrics import Metric, latest
from mlops_tui.sandbox.runs import Status
from mlops_tui.sandbox.settings import World
from mlops_tui.sandbox.world import curves, many_runs, model_cards
from mlops_tui.sandbox.world.company import Company, Plan
from mlops_tui.sandbox.world.releases import release_all

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.clock import Clock
    from mlops_tui.sandbox.database import Database, Row

_DAYS = 60
_RUNS = {"fraud": 44, "churn": 36, "demand": 40}
_PEOPLE = ("dev", "sam", "mona")
_NICKNAMES = ("baseline", "wider", "deeper", "calm", "bold", "lean", "fresh", "spring-data", "weekend", "ablation")
# Runs that ended otherwise than well: place among the project's runs, counted from the newest.
_MISHAPS = {
    "fraud": {5: "diverged", 11: "failed"},
    "churn": {4: "killed"},
    "demand": {0: "running"},
}
_MINUTES = (4.0, 38.0)
# A pipeline takes the code as it was when it was created, a little before the training begins.
_LEAD = timedelta(seconds=40)


def build(world: World, database: Database, clock: Clock, random: Random) -> None:
    """Insert experiments, runs, models and versions; the large world gets very many of each."""
    for row in database.all("SELECT * FROM projects ORDER BY id"):
        project = Project.from_row(row)
        if world is World.LARGE:
            many_runs.build(database, project, clock.now(), random)
        elif world is World.DEMO:
            _build_project(Company(database, project, random, clock.now()))


def _build_project(company: Company) -> None:
    name = company.project.path
    started = company.now - timedelta(days=_DAYS)
    users = {row["username"]: row["id"] for row in company.database.all("SELECT id, username FROM users")}
    experiments = _experiments(company, name, started, users["mona"])
    plans = _plans(company)
    eids = [_store(company, plan, experiments[number % 4 == 3], users) for number, plan in enumerate(plans)]
    release_all(company, plans, eids, users, started + timedelta(hours=2))


def _experiments(company: Company, name: str, started: datetime, user_id: int) -> dict[bool, Row]:
    """Return the experiment of ordinary training and, under True, that of studies."""
    found: dict[bool, Row] = {}
    for study, title in ((False, f"{name}-training"), (True, f"{name}-studies")):
        tags = [{"key": "team", "value": model_cards.team(name)}]
        experiment_id = create_experiment(
            company.database, company.project.id, title, user_id=user_id, now=started, tags=tags
        )
        (found[study],) = company.database.all("SELECT * FROM experiments WHERE id = ?", (experiment_id,))
    return found


def _plans(company: Company) -> list[Plan]:
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
        plans.append(Plan(share, started, params, histories, fate))
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


def _store(company: Company, plan: Plan, experiment: Row, users: dict[str, int]) -> str:
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


def _ended(company: Company, plan: Plan) -> datetime | None:
    if plan.fate == "running":
        return None
    ended = plan.started + timedelta(minutes=company.random.uniform(*_MINUTES))
    return min(ended, company.now - timedelta(minutes=1))


def _metrics(plan: Plan, ended: datetime) -> list[Metric]:
    """Return the rows of a run in the order in which they were logged: epoch by epoch."""
    epochs = len(next(iter(plan.histories.values())))
    first, last = _milliseconds(plan.started), _milliseconds(ended)
    metrics = []
    for epoch in range(epochs):
        at = first + (last - first) * (epoch + 1) // (epochs + 1)
        metrics += [Metric(name, float(curve[epoch]), at, epoch) for name, curve in plan.histories.items()]
    return metrics


def _tags(company: Company, plan: Plan, person: str, name: str) -> list[dict[str, str]]:
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
