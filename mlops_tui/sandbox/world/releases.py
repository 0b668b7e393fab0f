"""The models of the sample projects: versions made of the best runs, with their artifacts."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.model_versions import NewVersion, create_version
from mlops_tui.sandbox.models import create_model
from mlops_tui.sandbox.package_files import attach, write
from mlops_tui.sandbox.packages import package_of_run
from mlops_tui.sandbox.runs import find_by_eid
from mlops_tui.sandbox.world import curves, model_cards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.world.company import Company, Plan

# The semantic versions of each model, and how far into the two months their run had been made.
_VERSIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "fraud": (
        ("1.0.0", 0.08), ("1.1.0", 0.22), ("1.2.0", 0.38), ("1.2.1", 0.5), ("2.0.0-rc.1", 0.66), ("2.0.0", 0.78),
        ("2.1.0", 0.95),
    ),
    "churn": (("1.0.0", 0.12), ("1.0.1", 0.3), ("1.1.0", 0.58), ("2.0.0", 0.9)),
    "demand": (("0.9.0", 0.1), ("1.0.0", 0.28), ("1.1.0", 0.52), ("1.1.1", 0.7), ("1.2.0", 0.93)),
}  # fmt: skip


def release_all(
    company: Company, plans: Sequence[Plan], eids: Sequence[str], users: Mapping[str, int], at: datetime
) -> None:
    """Insert a project's model and its versions, and store reports with some of the other runs."""
    name = company.project.path
    model = create_model(
        company.database,
        company.project.id,
        name,
        user_id=users["mona"],
        now=at,
        description=model_cards.model_card(name),
        tags=[{"key": "team", "value": model_cards.team(name)}],
    )
    used: list[int] = []
    for version, share in _VERSIONS[name]:
        used.append(_best(name, plans, share, after=used[-1] if used else -1))
        _release(company, model, version, eids[used[-1]], plans[used[-1]], users)
    _attach_reports(company, [eid for number, eid in enumerate(eids) if number not in used][::7])


def _best(name: str, plans: Sequence[Plan], share: float, *, after: int) -> int:
    """Return the place of the best run since the one that the last version was made from."""
    score = curves.chosen_by(name)
    later = [number for number, plan in enumerate(plans) if number > after and plan.fate == "finished"]
    candidates = [number for number in later if plans[number].progress <= share] or later[:1]
    sign = 1 if score.best > score.start else -1
    return max(candidates, key=lambda number: sign * float(plans[number].histories[score.name][-1]))


def _release(company: Company, model: Row, version: str, eid: str, plan: Plan, users: Mapping[str, int]) -> None:
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


def _attach_reports(company: Company, eids: list[str]) -> None:
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
