"""GitLab's own Python client walks environments, pipelines, jobs, deployments and feature flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gitlab
import pytest

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.settings import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitlab.v4.objects import Project

    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(world=World.DEMO, clock=ManualClock())


@pytest.fixture(scope="module")
def connection(server: RunningSandbox) -> Iterator[gitlab.Gitlab]:
    with gitlab.Gitlab(server.url, private_token=server.tokens["maintainer"]) as connection:
        connection.session.trust_env = False
        yield connection


@pytest.fixture
def fraud(connection: gitlab.Gitlab) -> Project:
    return connection.projects.get("acme/fraud")


def advance(server: RunningSandbox, seconds: float) -> None:
    assert isinstance(server.clock, ManualClock)
    server.clock.advance(seconds)


def test_environments(fraud: Project) -> None:
    names = [environment.name for environment in fraud.environments.list(get_all=True)]
    assert names == ["staging", "production"]
    made = fraud.environments.create({"name": "shadow/fraud", "tier": "other"})
    made.external_url = "https://shadow.example"
    made.save()
    assert fraud.environments.get(made.id).external_url == "https://shadow.example"
    made.stop()
    made.delete()
    with pytest.raises(gitlab.GitlabGetError) as missing:
        fraud.environments.get(made.id)
    assert (missing.value.response_code, missing.value.error_message) == (404, "404 Not found")


def test_from_a_pipeline_to_production_and_back(server: RunningSandbox, fraud: Project) -> None:
    production: dict[str, Any] = {"environment": "production", "status": "success", "order_by": "id", "sort": "desc"}
    before = fraud.deployments.list(per_page=1, page=1, **production)[0]
    inputs = {"version": "2.1.0", "environment": "production"}
    pipeline = fraud.pipelines.create({"ref": "main", "inputs": inputs})
    assert pipeline.status == "created"
    advance(server, 60)
    pipeline.refresh()
    assert pipeline.status == "success"
    assert fraud.pipelines.list(get_all=False)[0].name == "fraud 2.1.0 -> production"
    (job,) = pipeline.jobs.list()
    assert b"Health check passed" in fraud.jobs.get(job.id).trace()
    live = fraud.environments.list(name="production")[0].id
    assert fraud.environments.get(live).last_deployment["deployable"]["id"] == job.id

    retried = fraud.jobs.get(before.deployable["id"]).retry()
    assert retried["id"] > job.id
    advance(server, 60)
    after = fraud.deployments.list(per_page=1, page=1, **production)[0]
    assert after.deployable["id"] == retried["id"]
    assert after.sha == before.sha
    assert fraud.deployments.get(after.id).status == "success"


def test_a_manual_job_is_played(server: RunningSandbox, connection: gitlab.Gitlab) -> None:
    demand = connection.projects.get("acme/demand")
    (waiting,) = demand.deployments.list(status="blocked", get_all=True)
    job = demand.jobs.get(waiting.deployable["id"])
    assert job.status == "manual"
    job.play()
    advance(server, 60)
    assert demand.deployments.get(waiting.id).status == "success"
    with pytest.raises(gitlab.GitlabJobPlayError) as refused:
        demand.jobs.get(demand.jobs.list(scope="success", get_all=False)[-1].id).play()
    assert refused.value.response_code == 400


def test_variables_cancel_and_erase(server: RunningSandbox, connection: gitlab.Gitlab) -> None:
    churn = connection.projects.get("acme/churn")
    variables = [{"key": "MODEL_VERSION", "value": "9.9.9"}, {"key": "FAULT", "value": "health-check"}]
    pipeline = churn.pipelines.create({"ref": "main", "variables": variables})
    assert [variable.key for variable in pipeline.variables.list()] == ["MODEL_VERSION", "FAULT"]
    advance(server, 60)
    pipeline.refresh()
    assert pipeline.status == "failed"
    pipeline.retry()
    advance(server, 4)
    pipeline.cancel()
    advance(server, 10)
    pipeline.refresh()
    assert pipeline.status == "canceled"
    (job,) = pipeline.jobs.list()
    if churn.jobs.get(job.id).attributes["started_at"]:
        churn.jobs.get(job.id).erase()
        assert churn.jobs.get(job.id).trace() == b""


def test_lists_without_totals_and_by_keyset(fraud: Project) -> None:
    jobs = fraud.jobs.list(iterator=True, per_page=10)
    assert jobs.total is None
    by_offset = [job.id for job in jobs]
    by_keyset = [
        job.id for job in fraud.jobs.list(iterator=True, per_page=10, pagination="keyset", order_by="id", sort="desc")
    ]
    assert by_offset == by_keyset == sorted(by_offset, reverse=True)
    assert len(by_offset) > 20


def test_refusals_carry_gitlabs_words(fraud: Project) -> None:
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        fraud.pipelines.create({"ref": "main", "inputs": {"environment": "moon"}})
    assert refused.value.response_code == 400
    assert "not in the list of allowed options" in str(refused.value.error_message)
    with pytest.raises(gitlab.GitlabListError) as rules:
        fraud.deployments.list(updated_after="2026-01-01T00:00:00Z", get_all=False)
    assert rules.value.error_message == "400 Bad request - `updated_at` filter requires `updated_at` sort"


def test_feature_flags_and_user_lists(fraud: Project) -> None:
    listed = fraud.feature_flags_user_lists.create({"name": "testers", "user_xids": "a,b"})
    strategies = [{"name": "gitlabUserList", "parameters": {}, "user_list_id": listed.id}]
    flag = fraud.feature_flags.create({"name": "client-made", "version": "new_version_flag", "strategies": strategies})
    assert flag.strategies[0]["user_list"]["user_xids"] == "a,b"
    flag.active = False
    flag.strategies = [{"id": flag.strategies[0]["id"], "_destroy": True}]
    flag.save()
    again = fraud.feature_flags.get("client-made")
    assert (again.active, again.strategies) == (False, [])
    again.name = "client-renamed"
    again.save()
    fraud.feature_flags.delete("client-renamed")
    listed.delete()
    assert {one.name for one in fraud.feature_flags.list(get_all=True)} == {"fraud-canary", "fraud_shadow"}


def test_resource_groups(fraud: Project) -> None:
    group = fraud.resource_groups.get("production")
    group.process_mode = "oldest_first"
    group.save()
    assert fraud.resource_groups.get("production").process_mode == "oldest_first"
    assert group.upcoming_jobs.list(get_all=True) == []
