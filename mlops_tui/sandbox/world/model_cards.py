"""Texts about the sample models: cards, evaluation reports and the small files that describe an artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PURPOSE = {
    "fraud": (
        "Scores every card payment between 0 and 1 before it is authorised. Payments above the threshold go to manual"
        " review; nothing is declined by the model alone."
    ),
    "churn": "Ranks subscribers by the chance that they cancel within 60 days, so that the retention team can call.",
    "demand": "Forecasts the units sold per store and article for the next eight weeks; orders are derived from it.",
}
_DATA = {
    "fraud": "18 months of card payments, labelled by chargebacks up to 45 days later. Test cards are left out.",
    "churn": "24 monthly snapshots of 1.9 million subscribers; contracts under 90 days are left out.",
    "demand": "Three years of daily sales of 312 stores, with promotions, prices, weather and school holidays.",
}
_LIMITS = {
    "fraud": "Weak on merchants with fewer than 50 payments. Recall on weekends is four points below the week's mean.",
    "churn": "Not meant for business customers. Scores are calibrated for the base rate of last quarter.",
    "demand": "New articles fall back to their category's mean. Stores that are rebuilt must be left out by hand.",
}
_OWNER = {"fraud": "risk", "churn": "growth", "demand": "supply"}


def team(project: str) -> str:
    """Return the team that owns a project's model."""
    return _OWNER[project]


def model_card(project: str) -> str:
    """Return the card of a model."""
    return (
        f"# {project.capitalize()}\n\n{_PURPOSE[project]}\n\n"
        f"**Owner:** team {_OWNER[project]} · **Data:** {_DATA[project]}\n\n"
        f"## Limits\n\n{_LIMITS[project]}\n"
    )


def version_card(project: str, version: str, metrics: Mapping[str, float], params: Mapping[str, str]) -> str:
    """Return the card of a version with the numbers of its run."""
    rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in metrics.items())
    settings = "\n".join(f"* `{name}` = {value}" for name, value in params.items())
    return (
        f"# {project} {version}\n\n{_PURPOSE[project]}\n\n## Metrics on the validation set\n\n"
        f"| metric | value |\n|---|---|\n{rows}\n\n## Parameters\n\n{settings}\n\n"
        f"## Data\n\n{_DATA[project]}\n\n## Known limits\n\n{_LIMITS[project]}\n"
    )


def evaluation(project: str, version: str, metrics: Mapping[str, float]) -> str:
    """Return an evaluation report as plain text."""
    width = max(len(name) for name in metrics)
    lines = [f"Evaluation of {project} {version}", "=" * 40, ""]
    lines += [f"{name:<{width}}  {value:>12.6f}" for name, value in metrics.items()]
    return "\n".join([*lines, "", "Slices: all stores and merchants, weekdays, weekends. No slice failed.", ""])


def ml_model(project: str, eid: str, created: str) -> str:
    """Return an `MLmodel` file for a NumPy archive."""
    return (
        f"artifact_path: model\nflavors:\n  python_function:\n    data: model.npz\n    env:\n      conda: conda.yaml\n"
        f"    loader_module: {project}.scoring\n    python_version: 3.11.9\n"
        f"mlflow_version: 2.22.5\nrun_id: {eid}\nutc_time_created: '{created}'\n"
    )


def conda(project: str) -> str:
    """Return a `conda.yaml` file."""
    return (
        f"name: {project}\nchannels:\n- conda-forge\ndependencies:\n- python=3.11.9\n- pip\n- pip:\n"
        "  - mlflow-skinny==2.22.5\n  - numpy==2.2.6\n  - xgboost==3.0.2\n"
    )


def metrics_file(metrics: Mapping[str, float]) -> str:
    """Return the last values as a JSON file."""
    return json.dumps(metrics, indent=2) + "\n"
