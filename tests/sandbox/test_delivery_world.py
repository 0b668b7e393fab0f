"""The past of the sample company: who deployed what, and what runs when the sandbox starts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.settings import World
from tests.sandbox.factory import SandboxFactory, client

TITLE = re.compile(r"(?P<model>\S+) (?P<version>\S+) -> (?P<environment>\S+)")


def everything(sandbox: SandboxFactory, project: str, path: str, **params: Any) -> list[dict[str, Any]]:
    server = sandbox(world=World.DEMO)
    api = client(server)
    rows: list[dict[str, Any]] = []
    page = "1"
    while page:
        answer = api.get(
            f"/projects/{server.project_id(project)}/{path}", params={**params, "per_page": 100, "page": page}
        )
        assert answer.status_code == 200, answer.text
        rows += answer.json()
        page = answer.headers["x-next-page"]
    return rows


@pytest.mark.parametrize("name", ["fraud", "churn", "demand"])
def test_every_model_is_live_in_both_environments(sandbox: SandboxFactory, name: str) -> None:
    project = f"acme/{name}"
    tiers = {one["name"]: one["tier"] for one in everything(sandbox, project, "environments")}
    assert tiers == {"staging": "staging", "production": "production"}
    titles = {one["id"]: one["name"] for one in everything(sandbox, project, "pipelines")}
    deployments = everything(sandbox, project, "deployments")
    assert [one["id"] for one in deployments] == sorted(one["id"] for one in deployments)
    live: dict[str, str] = {}
    for one in deployments:
        title = TITLE.fullmatch(titles[one["deployable"]["pipeline"]["id"]])
        assert title is not None
        assert (title["model"], title["environment"]) == (name, one["environment"]["name"])
        if one["status"] == "success":
            live[title["environment"]] = title["version"]
    assert set(live) == {"staging", "production"}
    # the newest version waits to be promoted
    assert live["staging"] != live["production"]
    failed = [one for one in deployments if one["status"] == "failed"]
    assert failed
    assert {one["deployable"]["failure_reason"] for one in failed} == {"script_failure"}


def test_the_fraud_model_was_rolled_back_once(sandbox: SandboxFactory) -> None:
    jobs = [
        one["deployable"]["pipeline"]["id"]
        for one in everything(sandbox, "acme/fraud", "deployments", environment="production", status="success")
    ]
    twice = {pipeline for pipeline in jobs if jobs.count(pipeline) == 2}
    assert len(twice) == 1
    first, second = (place for place, pipeline in enumerate(jobs) if pipeline in twice)
    assert second == first + 2


def test_a_failed_deployment_says_why(sandbox: SandboxFactory) -> None:
    server = sandbox(world=World.DEMO)
    failed = everything(sandbox, "acme/fraud", "deployments", status="failed")[0]
    path = f"/projects/{server.project_id('acme/fraud')}/jobs/{failed['deployable']['id']}/trace"
    log = client(server).get(path).text
    assert "\nHealth check failed - p99 latency 840 ms, limit 250 ms\n" in log
    assert log.endswith("ERROR: Job failed: exit code 1\x1b[0;m\n")


def test_something_runs_and_something_waits(sandbox: SandboxFactory) -> None:
    server = sandbox(world=World.DEMO)
    (running,) = [
        (project, job)
        for project in ("acme/fraud", "acme/churn", "acme/demand")
        for job in everything(sandbox, project, "jobs", scope="running")
    ]
    assert running[1]["name"] == "train"
    path = f"/projects/{server.project_id(running[0])}/jobs/{running[1]['id']}/trace"
    assert "$ python train.py" in client(server).get(path).text
    (waiting,) = everything(sandbox, "acme/demand", "deployments", status="blocked")
    assert waiting["deployable"]["status"] == "manual"
    assert waiting["user"]["username"] == "dev"


def test_runs_are_linked_to_the_jobs_that_made_them(sandbox: SandboxFactory) -> None:
    server = sandbox(world=World.DEMO)

    def linked(services: Any) -> list[tuple[str, int, str]]:
        rows = services.database.all(
            "SELECT r.eid, j.id, j.name, j.started_at, j.finished_at, r.start_time FROM runs r"
            " JOIN ci_jobs j ON j.id = r.ci_build_id AND j.project_id = r.project_id"
        )
        return [(row["eid"], row["id"], row["name"]) for row in rows]

    pairs = server.call(linked)
    assert len(pairs) > 50
    assert {name for _, _, name in pairs} == {"train"}
    assert len({job for _, job, _ in pairs}) == len(pairs)
    by_project = everything(sandbox, "acme/churn", "jobs", scope="success")
    train = next(job for job in by_project if job["name"] == "train")
    path = f"/projects/{server.project_id('acme/churn')}/jobs/{train['id']}/trace"
    log = client(server).get(path).text
    (eid,) = [eid for eid, job, _ in pairs if job == train["id"]]
    assert f"run {eid}" in log
    assert "step    1" in log or "step    0" in log


def test_the_sample_pipelines_can_be_made_to_fail(sandbox: SandboxFactory) -> None:
    """A fresh sandbox of its own, since the others share theirs."""
    server = sandbox(world=World.DEMO, clock=ManualClock())
    api = client(server, "developer")
    project = f"/projects/{server.project_id('acme/fraud')}"
    inputs = {"version": "2.1.0", "environment": "production", "intent": "3f2a90c1-77aa", "fault": "health-check"}
    answer = api.post(f"{project}/pipeline", json={"ref": "main", "inputs": inputs})
    assert answer.status_code == 201, answer.text
    clock = server.clock
    assert isinstance(clock, ManualClock)
    clock.advance(60)
    shown = api.get(f"{project}/pipelines/{answer.json()['id']}").json()
    assert shown["name"] == "fraud 2.1.0 -> production [intent 3f2a90c1]"
    assert shown["status"] == "failed"
    flags = api.get(f"{project}/feature_flags").json()
    assert {flag["name"] for flag in flags} == {"fraud-canary", "fraud_shadow"}
