"""Deployments over REST: what follows a job, lists and their rules, rollback, and deployments made by hand."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mlops_tui.sandbox.settings import Tier
from tests.sandbox.delivery import PICKUP, Workbench
from tests.sandbox.factory import SandboxFactory, client

DEPLOY = "ship: {script: [sleep 20], environment: {name: NAME, deployment_tier: production, url: 'https://x.example'}}"
MANUAL = "ship: {script: [sleep 20], environment: {name: NAME}, when: manual}"


def deploy(bench: Workbench, text: str = DEPLOY, seconds: float = 60) -> dict[str, Any]:
    bench.configure(text.replace("NAME", bench.name))
    pipeline = bench.run()
    bench.advance(seconds)
    return pipeline


def test_a_deployment_follows_its_job(bench: Workbench) -> None:
    pipeline = deploy(bench, seconds=0)
    (created,) = bench.deployments()
    assert (created["status"], created["deployable"]["status"]) == ("created", "created")
    assert created["user"]["username"] == "dev"
    assert list(created["environment"]) == ["id", "name", "slug", "external_url", "created_at", "updated_at"]
    assert created["deployable"] == bench.jobs(pipeline)["ship"]
    bench.advance(PICKUP)
    assert bench.deployments()[0]["status"] == "running"
    bench.advance(60)
    (done,) = bench.deployments()
    assert done["status"] == "success"
    assert done["updated_at"] == done["deployable"]["finished_at"]
    assert "finished_at" not in done
    environment = bench.get(f"/environments/{done['environment']['id']}")
    assert environment["external_url"] == "https://x.example"
    assert environment["tier"] == "production"
    assert environment["last_deployment"]["id"] == done["id"]
    assert "environment" not in environment["last_deployment"]
    assert "project" not in environment


def test_a_manual_deployment_is_blocked_until_a_runner_takes_it(bench: Workbench) -> None:
    pipeline = deploy(bench, MANUAL, seconds=PICKUP)
    assert bench.deployments()[0]["status"] == "blocked"
    job = bench.jobs(pipeline)["ship"]
    bench.post(f"/jobs/{job['id']}/play", role=bench.maintainer)
    (waiting,) = bench.deployments()
    assert (waiting["status"], waiting["deployable"]["status"]) == ("blocked", "pending")
    assert waiting["deployable"]["user"]["username"] == "mona"
    assert waiting["user"]["username"] == "dev"
    bench.advance(PICKUP)
    assert bench.deployments()[0]["status"] == "running"


@pytest.mark.parametrize(("script", "status"), [("exit 1", "failed"), ("sleep 500", "canceled")])
def test_deployments_that_come_to_nothing(bench: Workbench, script: str, status: str) -> None:
    pipeline = deploy(bench, DEPLOY.replace("sleep 20", script))
    if status == "canceled":
        bench.post(f"/jobs/{bench.jobs(pipeline)['ship']['id']}/cancel")
        bench.advance(5)
    assert bench.deployments()[0]["status"] == status
    assert bench.get(f"/environments/{bench.deployments()[0]['environment']['id']}")["last_deployment"] is None


def test_rollback_retries_the_older_job(bench: Workbench) -> None:
    first, second = deploy(bench), deploy(bench, DEPLOY.replace("sleep 20", "sleep 21"))
    before = bench.deployments()
    assert [one["deployable"]["pipeline"]["id"] for one in before] == [first["id"], second["id"]]
    answer = bench.post(f"/jobs/{before[0]['deployable']['id']}/retry", role=bench.maintainer)
    assert answer.status_code == 201
    bench.advance(60)
    after = bench.deployments()
    assert [one["id"] for one in after[:2]] == [one["id"] for one in before]
    rollback = after[2]
    assert rollback["sha"] == before[0]["sha"] != before[1]["sha"]
    assert rollback["status"] == "success"
    assert rollback["iid"] > before[1]["iid"]
    assert rollback["user"]["username"] == "mona"
    assert rollback["deployable"]["id"] == answer.json()["id"]
    assert rollback["deployable"]["pipeline"]["id"] == first["id"]
    environment = bench.get(f"/environments/{rollback['environment']['id']}")
    assert environment["last_deployment"]["id"] == rollback["id"]


def test_rollback_may_be_forbidden(bench: Workbench) -> None:
    deploy(bench)
    deploy(bench, DEPLOY.replace("sleep 20", "sleep 21"))
    bench.maintainer.put(bench.project, json={"ci_forward_deployment_rollback_allowed": False})
    try:
        job_id = bench.deployments()[0]["deployable"]["id"]
        answer = bench.post(f"/jobs/{job_id}/retry")
        assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})
    finally:
        bench.maintainer.put(bench.project, json={"ci_forward_deployment_rollback_allowed": True})


def test_a_deployment_that_was_overtaken_is_outdated(bench: Workbench) -> None:
    manual = deploy(bench, MANUAL, seconds=PICKUP)
    deploy(bench)
    answer = bench.post(f"/jobs/{bench.jobs(manual)['ship']['id']}/play")
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


def test_an_automatic_deployment_that_was_overtaken_fails(bench: Workbench) -> None:
    slow = "stages: [wait, go]\nwait: {stage: wait, script: [sleep 300]}\n" + DEPLOY.replace(
        "{script", "{stage: go, script"
    )
    older = deploy(bench, slow, seconds=PICKUP)
    deploy(bench)
    bench.advance(600)
    job = bench.jobs(older)["ship"]
    assert (job["status"], job["failure_reason"]) == ("failed", "failed_outdated_deployment_job")
    assert [one["status"] for one in bench.deployments()] == ["failed", "success"]


def test_the_oldest_comes_first_and_filters_have_rules(bench: Workbench) -> None:
    deploy(bench)
    deploy(bench, DEPLOY.replace("sleep 20", "exit 1"))
    first, second = bench.deployments()
    assert first["id"] < second["id"]
    assert [one["id"] for one in bench.deployments(sort="desc")] == [second["id"], first["id"]]
    assert [one["id"] for one in bench.deployments(status="failed")] == [second["id"]]
    finished = {"order_by": "finished_at", "status": "success", "finished_after": first["created_at"]}
    assert [one["id"] for one in bench.deployments(**finished)] == [first["id"]]
    updated = {"order_by": "updated_at", "updated_after": second["created_at"]}
    assert [one["id"] for one in bench.deployments(**updated)] == [second["id"]]
    answer = bench.developer.get(f"{bench.project}/deployments", params={"environment": bench.name, "per_page": 1})
    assert answer.headers["x-total"] == "2"
    assert answer.headers["x-next-page"] == "2"
    assert answer.headers["x-prev-page"] == ""


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (
            {"updated_after": "2026-01-01", "finished_after": "2026-01-01"},
            "Both `updated_at` filter and `finished_at` filter can not be specified",
        ),
        ({"updated_after": "2026-01-01"}, "`updated_at` filter requires `updated_at` sort"),
        ({"finished_after": "2026-01-01"}, "`finished_at` filter requires `finished_at` sort."),
        (
            {"order_by": "finished_at"},
            "`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses.",
        ),
        (
            {"order_by": "finished_at", "status": "running"},
            "`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses.",
        ),
        (
            {"order_by": "finished_at", "finished_before": "2026-01-01", "status": "failed"},
            "`finished_at` filter must be combined with `success` status filter.",
        ),
    ],
)
def test_combinations_that_gitlab_refuses(bench: Workbench, params: dict[str, str], text: str) -> None:
    answer = bench.developer.get(f"{bench.project}/deployments", params=params)
    assert (answer.status_code, answer.json()) == (400, {"message": f"400 Bad request - {text}"})


@pytest.mark.parametrize(("name", "value"), [("order_by", "ref"), ("status", "done"), ("sort", "up")])
def test_values_that_gitlab_refuses(bench: Workbench, name: str, value: str) -> None:
    answer = bench.developer.get(f"{bench.project}/deployments", params={name: value})
    assert (answer.status_code, answer.json()) == (400, {"error": f"{name} does not have a valid value"})


def by_hand(bench: Workbench, **changes: Any) -> httpx.Response:
    sha = bench.get("/repository/branches/main")["commit"]["id"]
    body = {"environment": bench.name, "sha": sha, "ref": "main", "tag": False, "status": "success", **changes}
    return bench.post("/deployments", body)


def test_deployments_can_be_made_by_hand(bench: Workbench) -> None:
    answer = by_hand(bench, status="running")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["deployable"], made["status"], made["environment"]["name"]) == (None, "running", bench.name)
    assert (made["pending_approval_count"], made["approvals"], made["approval_summary"]) == (0, [], {"rules": []})
    path = f"{bench.project}/deployments/{made['id']}"
    bound = bench.maintainer.delete(path)
    assert (bound.status_code, bound.json()) == (400, {"message": "Cannot destroy running deployment"})
    assert bench.developer.put(path, json={"status": "success"}).json()["status"] == "success"
    same = bench.developer.put(path, json={"status": "success"})
    assert (same.status_code, same.json()) == (400, {"message": {"status": ['cannot transition via "succeed"']}})
    # the same revision is not deployed twice
    assert by_hand(bench).json()["id"] == made["id"]
    live = bench.maintainer.delete(path)
    assert (live.status_code, live.json()) == (400, {"message": "Deployment currently deployed to environment"})
    other = by_hand(bench, status="failed").json()
    assert bench.developer.delete(f"{bench.project}/deployments/{other['id']}").status_code == 403
    assert bench.maintainer.delete(f"{bench.project}/deployments/{other['id']}").status_code == 204


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha": "0" * 40}, {"sha": ["The commit does not exist"]}),
        ({"ref": "nowhere"}, {"ref": ["The branch or tag does not exist"]}),
    ],
)
def test_deployments_by_hand_need_a_revision(bench: Workbench, changes: dict[str, str], message: Any) -> None:
    answer = by_hand(bench, **changes)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_a_deployment_of_a_job_cannot_be_edited(bench: Workbench) -> None:
    deploy(bench)
    answer = bench.developer.put(
        f"{bench.project}/deployments/{bench.deployments()[0]['id']}", json={"status": "failed"}
    )
    assert (answer.status_code, answer.json()) == (
        403,
        {"message": "403 Forbidden - Deployments created using GitLab CI can not be updated using the API"},
    )
    missing = bench.developer.get(f"{bench.project}/deployments/999999")
    assert (missing.status_code, missing.json()) == (404, {"message": "404 Not found"})


def test_the_community_build_knows_nothing_of_approvals(sandbox: SandboxFactory) -> None:
    server = sandbox(tier=Tier.CE)
    bench = Workbench(server)
    made = by_hand(bench).json()
    assert not {"pending_approval_count", "approvals", "approval_summary"} & set(made)
    shown = client(server).get(f"{bench.project}/deployments/{made['id']}").json()
    assert not {"pending_approval_count", "approvals", "approval_summary"} & set(shown)
    bench.close()
