"""Experiments as GitLab's MLflow-compatible API tells them."""

from __future__ import annotations

from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.payloads import Name, Payload, read_all
from mlops_tui.gitlab.transport import Transport


def mlflow(project: ProjectRef, route: str) -> str:
    """The path of a route of the MLflow-compatible API."""
    return f"/api/v4/projects/{project.id}/ml/mlflow/api/2.0/mlflow/{route}"


class _Tag(Payload):
    key: Name
    value: Name


class _Experiment(Payload):
    experiment_id: int
    name: Name
    tags: tuple[_Tag, ...] = ()


async def list_experiments(transport: Transport, project: ProjectRef) -> list[Experiment]:
    """All experiments of a project, newest first.

    It asks the GET route, which a read-only token may use; the search route is a POST and needs the scope ``api``
    (GitLab: lib/api/ml/mlflow/experiments.rb).
    """
    answer = await transport.get(mlflow(project, "experiments/list"))
    rows = read_all(_Experiment, answer.json().get("experiments", []), "the experiments")
    experiments = [
        Experiment(project, row.experiment_id, row.name, {tag.key: tag.value for tag in row.tags}) for row in rows
    ]
    return sorted(experiments, key=lambda experiment: experiment.iid, reverse=True)
