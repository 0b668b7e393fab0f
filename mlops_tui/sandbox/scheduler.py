"""Moves pipelines by itself: queues, starts and ends jobs when they are due.

Everything that will happen has its time in a column `due_at`, so the state survives a restart, and it does not matter
how often `advance` is called: each event is stamped with the time at which it was due. What a job's script does is
told in `scripts`; durations are divided by the clock's speed. GitLab: app/services/ci/process_pipeline_service.rb,
app/services/ci/process_build_service.rb.
"""

from __future__ import annotations

import fnmatch
import json
import random
from typing import TYPE_CHECKING

from mlops_tui.sandbox import approvals, resource_groups, statuses, training_jobs
from mlops_tui.sandbox.clock import parse_timestamp, timestamp
from mlops_tui.sandbox.logs import PREPARATION_SECONDS, Timeline
from mlops_tui.sandbox.predefined_variables import job_variables
from mlops_tui.sandbox.scripts import Step, rehearse
from mlops_tui.sandbox.transitions import change_job, combined, find_job, later, pipeline_jobs, refresh_pipeline

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Services

CREATION_SECONDS = 0.5
_PICKUP_SECONDS = (1.0, 3.0)
_CANCELING_SECONDS = 1.0
_LONGEST_NAP_SECONDS = 5.0
_SHORTEST_NAP_SECONDS = 0.05
_SUCCEEDED = {"success", "skipped"}


async def run(services: Services) -> None:
    """Advance for as long as the server runs."""
    while True:
        advance(services)
        due = _next_due(services.database)
        nap = _LONGEST_NAP_SECONDS
        if due is not None:
            wait = (parse_timestamp(due[0]) - services.clock.now()).total_seconds()
            nap = min(nap, max(wait * services.clock.speed, _SHORTEST_NAP_SECONDS))
        await services.clock.sleep(nap)


def advance(services: Services) -> None:
    """Let everything happen that is due by now."""
    now = timestamp(services.clock.now())
    due = _next_due(services.database)
    if due is None or due[0] > now:
        return
    with services.database.transaction():
        while due is not None and due[0] <= now:
            _happen(services, *due)
            due = _next_due(services.database)


def _next_due(database: Database) -> tuple[str, str, int] | None:
    """Return time, table and id of what happens next."""
    candidates = [
        (row["due_at"], table, row["id"])
        for table in ("ci_pipelines", "ci_jobs")
        if (
            row := database.one(
                f"SELECT id, due_at FROM {table} WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT 1"  # noqa: S608 - literals
            )
        )
    ]
    return min(candidates, default=None)


def _happen(services: Services, at: str, table: str, row_id: int) -> None:
    if table == "ci_pipelines":
        services.database.update("ci_pipelines", row_id, {"due_at": None})
        process(services, row_id, at)
        return
    job = find_job(services.database, row_id)
    match job["status"]:
        case "scheduled":
            enqueue(services, job, at)
        case "pending":
            _start(services, job, at)
        case "running":
            _finish(services, job, at)
        case "canceling":
            end_job(services, job, "canceled", at)
        case _:
            services.database.update("ci_jobs", row_id, {"due_at": None})


def process(services: Services, pipeline_id: int, at: str) -> None:
    """Queue, skip or offer every job of a pipeline whose turn it is."""
    changed = True
    while changed:
        changed = False
        jobs = pipeline_jobs(services.database, pipeline_id)
        for job in jobs:
            if job["status"] == "created" and _take_turn(services, job, jobs, at):
                changed = True
                break
    refresh_pipeline(services.database, pipeline_id, at)


def _take_turn(services: Services, job: Row, jobs: list[Row], at: str) -> bool:
    """Do with a job what its `when` says; False while it has to wait for others."""
    needs = json.loads(job["needs"]) if job["needs"] else None
    if needs is None:
        before = combined([other for other in jobs if other["stage_index"] < job["stage_index"]])
        fitting = _SUCCEEDED
    else:
        before = combined([other for other in jobs if other["name"] in needs], dag=True)
        fitting = {"success"}
    if before not in statuses.COMPLETED:
        return False
    wanted = {"on_failure": {"failed"}, "always": set(statuses.COMPLETED)}.get(job["run_when"], fitting)
    if before not in wanted:
        change_job(services.database, job["id"], "skipped", at)
    elif job["run_when"] == "manual":
        change_job(services.database, job["id"], "manual", at)
    elif job["run_when"] == "delayed":
        due = later(at, (job["start_in"] or 0.0) / services.clock.speed)
        change_job(services.database, job["id"], "scheduled", at, scheduled_at=due, due_at=due)
    else:
        enqueue(services, job, at)
    return True


def is_outdated(database: Database, job: Row) -> bool:
    """Tell whether a newer deployment of other code has succeeded since this job's deployment was made.

    Always false in a project that does not ask for forward deployment.
    """
    deployment = database.one("SELECT * FROM deployments WHERE job_id = ?", (job["id"],))
    settings = json.loads(database.value("SELECT attributes FROM projects WHERE id = ?", (job["project_id"],)))
    if deployment is None or not settings.get("ci_forward_deployment_enabled", True):
        return False
    last = database.one(
        "SELECT id, sha FROM deployments WHERE environment_id = ? AND status = 'success' "
        "ORDER BY finished_at DESC, id DESC LIMIT 1",
        (deployment["environment_id"],),
    )
    return last is not None and deployment["id"] < last["id"] and deployment["sha"] != last["sha"]


def enqueue(services: Services, job: Row, at: str) -> None:
    """Hand a job to the runners, unless an approval or a resource is waited for."""
    database = services.database
    if is_outdated(database, job):
        end_job(services, job, "failed", at, reason="failed_outdated_deployment_job")
        return
    match approvals.gate(services, job):
        case approvals.Gate.APPROVAL_MISSING:
            change_job(database, job["id"], "manual", at, run_when="manual")
            return
        case approvals.Gate.REFUSED:
            end_job(services, job, "failed", at, reason="protected_environment_failure")
            return
        case approvals.Gate.OPEN:
            pass
    if resource_groups.is_taken(database, job):
        change_job(database, job["id"], "waiting_for_resource", at, queued_at=None)
        return
    _queue(services, job, at)


def _queue(services: Services, job: Row, at: str) -> None:
    drawn = random.Random(f"{services.settings.seed} pickup {job['id']}")  # noqa: S311 - nothing secret is drawn
    wait = drawn.uniform(*_PICKUP_SECONDS) / services.clock.speed
    change_job(services.database, job["id"], "pending", at, queued_at=at, due_at=later(at, wait))


def _start(services: Services, job: Row, at: str) -> None:
    database = services.database
    speed = services.clock.speed
    script = json.loads(job["script"])
    variables = job_variables(services, job)
    rehearsal = rehearse(script, variables, f"{services.settings.seed} script {job['id']}", speed)
    steps, exit_code = rehearsal.steps, rehearsal.exit_code
    fault = _take_fault(database, job)
    if fault is not None:
        steps = (*steps[:1], Step(steps[1].command if len(steps) > 1 else "true", (fault["message"],), 1.0 / speed))
        exit_code = fault["exit_code"]
    timeline = Timeline(PREPARATION_SECONDS / speed, steps)
    due = later(at, timeline.seconds)
    change_job(database, job["id"], "running", at, timeline=timeline.as_text(), exit_code=exit_code, due_at=due)


def _take_fault(database: Database, job: Row) -> Row | None:
    """Return the first scripted failure that fits a job and use it up."""
    rows = database.all("SELECT * FROM ci_job_faults WHERE project_id = ? ORDER BY id", (job["project_id"],))
    fault = next((row for row in rows if fnmatch.fnmatchcase(job["name"], row["job_name"])), None)
    if fault is not None:
        database.execute("DELETE FROM ci_job_faults WHERE id = ?", (fault["id"],))
    return fault


def _finish(services: Services, job: Row, at: str) -> None:
    if job["exit_code"]:
        end_job(services, job, "failed", at, reason="script_failure")
    else:
        training_jobs.log_run(services, job, at)
        end_job(services, job, "success", at)


def end_job(services: Services, job: Row, status: str, at: str, reason: str | None = None) -> None:
    """End a job, hand its resource on and let its pipeline go on."""
    change_job(services.database, job["id"], status, at, failure_reason=reason)
    _hand_on(services, job, at)
    process(services, job["pipeline_id"], at)


def _hand_on(services: Services, job: Row, at: str) -> None:
    """Give the resource that a job held to the next one that waits for it."""
    waiting = resource_groups.next_waiting(services.database, job)
    if waiting is not None:
        _queue(services, waiting, at)


def cancel(services: Services, job: Row, at: str) -> None:
    """Cancel a job; a running one stops a moment later, one that cannot be canceled stays as it is."""
    if job["status"] == "running":
        due = later(at, _CANCELING_SECONDS / services.clock.speed)
        change_job(services.database, job["id"], "canceling", at, due_at=due)
    elif job["status"] in statuses.CANCELABLE:
        end_job(services, job, "canceled", at)


def cancel_pipeline(services: Services, pipeline_id: int, at: str) -> None:
    """Cancel every job of a pipeline that can be canceled."""
    services.database.update("ci_pipelines", pipeline_id, {"due_at": None})
    jobs = [job for job in pipeline_jobs(services.database, pipeline_id) if job["status"] in statuses.CANCELABLE]
    for job in jobs:
        if job["status"] == "running":
            cancel(services, job, at)
        else:
            change_job(services.database, job["id"], "canceled", at)
    for job in jobs:
        if job["status"] != "running":
            _hand_on(services, job, at)
    refresh_pipeline(services.database, pipeline_id, at)


def revive_followers(database: Database, job: Row) -> None:
    """Make jobs that were skipped because of a job wait again, as that job gets another chance."""
    for follower in pipeline_jobs(database, job["pipeline_id"]):
        needs = json.loads(follower["needs"]) if follower["needs"] else []
        after = follower["stage_index"] > job["stage_index"] or job["name"] in needs
        if follower["status"] == "skipped" and after:
            database.update("ci_jobs", follower["id"], {"status": "created"})


BACKGROUND = [run]
