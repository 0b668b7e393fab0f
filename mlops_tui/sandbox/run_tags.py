"""The tags of runs, write-once; one of them links a run to its CI job.

GitLab: app/services/ml/experiment_tracking/handle_candidate_gitlab_metadata_service.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.mlflow import check_violation
from mlops_tui.sandbox.tags import merged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

JOB_TAG = "gitlab.CI_JOB_ID"


def link_job(database: Database, run_id: int, tags: Sequence[Mapping[str, Any]]) -> None:
    """Link a run to the CI job that one of its new tags names.

    Raises:
        ApiError: 500 for a job that does not exist; that it belongs to the run's project is not checked.
    """
    for tag in tags:
        if tag.get("key") != JOB_TAG:
            continue
        job_id = str(tag.get("value"))
        known = job_id.isascii() and job_id.isdigit() and len(job_id) <= 18
        if not known or database.value("SELECT 1 FROM ci_jobs WHERE id = ?", (int(job_id),)) is None:
            raise errors.message(500, "500 Internal Server Error")
        database.update("runs", run_id, {"ci_build_id": int(job_id)})


def add_tags(context: Context, run: Row, given: Any) -> None:
    """Store tags as a bulk insert does; names that are set already are ignored.

    Raises:
        ApiError: 400 when the database refuses one of them, 500 for an unknown CI job.
    """
    tags = [tag for tag in given if isinstance(tag, dict)] if isinstance(given, list) else []
    if not tags:
        return
    link_job(context.database, run["id"], tags)
    stored = merged(orjson.loads(run["tags"]), tags)
    if stored is None:
        raise check_violation("ml_candidate_metadata")
    context.database.update("runs", run["id"], {"tags": orjson.dumps(stored).decode()})
