"""Two months of delivery: training pipelines, deployments of the models' versions, and feature flags."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops_tui.sandbox import environment_records, job_actions
from mlops_tui.sandbox.access import Project
from mlops_tui.sandbox.clock import parse_timestamp, timestamp
from mlops_tui.sandbox.settings import World
from mlops_tui.sandbox.transitions import find_job
from mlops_tui.sandbox.world import training_pipelines
from mlops_tui.sandbox.world.history import History

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.clock import Clock
    from mlops_tui.sandbox.database import Database, Row

_DAYS = 63
_STAGING = "staging"
_PRODUCTION = "production"
_MAINTAINER, _DEVELOPER = "mona", "dev"
# How long after its making a version goes where, in hours.
_TO_STAGING_HOURS = (0.5, 2.0)
_TO_PRODUCTION_HOURS = (8.0, 20.0)
_DECISION_HOURS = (0.5, 3.0)
_ROLLBACK_HOURS = 4.0
_FAILING_SHARE = 0.15
_FLAGS = (
    ("fraud", "fraud-canary", "Share of payments that a new version scores", True, "0", _PRODUCTION),
    ("fraud", "fraud_shadow", "Scores in the shadow, answers nobody", False, "100", "*"),
    ("churn", "churn_retention_offer", "Who is shown the offer that the model picks", True, "50", "*"),
    ("demand", "demand_new_features", "Reads promotions and school holidays", True, "25", _STAGING),
)


def build(world: World, database: Database, clock: Clock, random: Random) -> None:
    """Insert environments, pipelines, jobs, deployments and flags; the empty world gets none, the large one no past."""
    if world is World.EMPTY:
        return
    now = clock.now()
    history = History(database, now - timedelta(days=_DAYS), random.randrange(2**31))
    for row in database.all("SELECT * FROM projects ORDER BY id"):
        project = Project.from_row(row)
        _environments(database, project, timestamp(now - timedelta(days=_DAYS)))
        if world is World.DEMO:
            training_pipelines.plan(history, project, random, now, clock.speed)
            _Deliveries(history, project, random, now).plan()
            _flags(database, project, timestamp(now - timedelta(days=20)))
    history.play(now)


def _environments(database: Database, project: Project, at: str) -> None:
    for name in (_STAGING, _PRODUCTION):
        address = f"https://{name}.{project.path}.acme.example"
        environment_records.create(database, project.id, name, at, tier=name, external_url=address)


@dataclass(frozen=True, slots=True)
class _Deliveries:
    """How the versions of one project's model went out."""

    history: History
    project: Project
    random: Random
    now: datetime

    def plan(self) -> None:
        """Plan the way of every version: all to staging, most to production, never the newest.

        One version of the fraud model turns out badly in production and is rolled back.
        """
        versions = self._versions()
        released = versions[:-1]
        for place, version in enumerate(versions):
            made = parse_timestamp(version["created_at"])
            staged = made + self._hours(_TO_STAGING_HOURS)
            self._deploy(version["version"], _STAGING, staged, fails=self.random.random() < _FAILING_SHARE)
            if version["prerelease"] or version not in released:
                continue
            fails = place == 1 and not self._is_manual()
            launched = staged + self._hours(_TO_PRODUCTION_HOURS)
            self._deploy(version["version"], _PRODUCTION, launched, fails=fails)
            if self.project.path == "fraud" and place == len(released) // 2 and place > 1:
                self._roll_back(launched + timedelta(hours=_ROLLBACK_HOURS))
        if versions and self._is_manual():
            self._offer(versions[-1]["version"])

    def _versions(self) -> list[Row]:
        """Return the model's versions in the order of their making."""
        return self.history.database.all(
            "SELECT v.* FROM model_versions v JOIN models m ON m.id = v.model_id"
            " WHERE v.project_id = ? AND m.name = ? ORDER BY v.created_at, v.id",
            (self.project.id, self.project.path),
        )

    def _hours(self, between: tuple[float, float]) -> timedelta:
        return timedelta(hours=self.random.uniform(*between))

    def _is_manual(self) -> bool:
        return self.project.path == "demand"

    def _user(self, name: str) -> int:
        return int(self.history.database.value("SELECT id FROM users WHERE username = ?", (name,)))

    def _deploy(self, version: str, environment: str, at: datetime, *, fails: bool) -> None:
        """Plan a deployment; one that fails is tried again half an hour later."""
        user = _MAINTAINER if environment == _PRODUCTION and not self._is_manual() else _DEVELOPER
        self.history.at(at, lambda: self._create(version, environment, user, "health-check" if fails else "none"))
        if fails:
            again = at + timedelta(minutes=30)
            self.history.at(again, lambda: self._create(version, environment, user, "none"))

    def _create(self, version: str, environment: str, user: str, fault: str) -> None:
        if self.project.path == "fraud":
            values = {"model": self.project.path, "version": version, "environment": environment, "fault": fault}
            pipeline = self.history.run_pipeline(self.project, self._user(user), "api", inputs=values)
        else:
            names = {"MODEL_NAME": self.project.path, "MODEL_VERSION": version, "MODEL_ENVIRONMENT": environment}
            variables = names if fault == "none" else {**names, "FAULT": fault}
            pipeline = self.history.run_pipeline(self.project, self._user(user), "api", variables=variables)
        if pipeline is not None and self._is_manual() and environment == _PRODUCTION:
            decided = self.history.clock.now() + self._hours(_DECISION_HOURS)
            self.history.at(decided, lambda: self._play(pipeline["id"]))

    def _play(self, pipeline_id: int) -> None:
        database = self.history.database
        job = database.one("SELECT * FROM ci_jobs WHERE pipeline_id = ? AND status = 'manual'", (pipeline_id,))
        if job is not None:
            job_actions.start_manual(self.history.services, job, self._user(_MAINTAINER), self.history.now())

    def _roll_back(self, at: datetime) -> None:
        """Plan that the deployment before the last one in production is run once more."""

        def retry() -> None:
            database = self.history.database
            jobs = database.all(
                "SELECT d.job_id FROM deployments d JOIN environments e ON e.id = d.environment_id"
                " WHERE d.project_id = ? AND e.name = ? AND d.status = 'success' ORDER BY d.id DESC LIMIT 2",
                (self.project.id, _PRODUCTION),
            )
            if len(jobs) == 2:
                job = find_job(database, jobs[1]["job_id"])
                job_actions.restart(self.history.services, job, self._user(_MAINTAINER), self.history.now())

        self.history.at(at, retry)

    def _offer(self, version: str) -> None:
        """Plan a deployment to production that waits for somebody's consent when the sandbox starts."""
        at = self.now - timedelta(hours=3)
        names = {"MODEL_NAME": self.project.path, "MODEL_VERSION": version, "MODEL_ENVIRONMENT": _PRODUCTION}
        user = self._user(_DEVELOPER)
        self.history.at(at, lambda: self.history.run_pipeline(self.project, user, "api", variables=names))


def _flags(database: Database, project: Project, at: str) -> None:
    for path, name, description, active, rollout, scope in _FLAGS:
        if path != project.path:
            continue
        times = {"created_at": at, "updated_at": at}
        columns = {"project_id": project.id, "name": name, "description": description, "active": int(active)}
        flag_id = database.insert("feature_flags", {**columns, **times})
        parameters = {"groupId": path, "rollout": rollout, "stickiness": "default"}
        strategy = {"feature_flag_id": flag_id, "name": "flexibleRollout", "parameters": json.dumps(parameters)}
        strategy_id = database.insert("feature_flag_strategies", strategy)
        database.insert("feature_flag_scopes", {"strategy_id": strategy_id, "environment_scope": scope})
