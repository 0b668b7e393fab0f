"""Two ways to the same runs: MLflow's routes for who may write, GraphQL for who may only read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.runs import Run
from mlops_tui.gitlab.authentication import Credential
from mlops_tui.gitlab.deployments import DeploymentBook, list_deployments
from mlops_tui.gitlab.experiments import list_experiments
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.metrics import metric_history
from mlops_tui.gitlab.projects import ProjectDirectory
from mlops_tui.gitlab.runs import candidate_pages, run_of, run_pages
from mlops_tui.gitlab.transport import Transport
from mlops_tui.sandbox.server import RunningSandbox
from mlops_tui.sandbox.settings import Release, World
from tests.faults.proxy import FaultProxy
from tests.sandbox.factory import SandboxFactory, sandbox

__all__ = ["sandbox"]


@pytest.fixture(scope="module", params=list(Release), ids=str)
def server(sandbox: SandboxFactory, request: pytest.FixtureRequest) -> RunningSandbox:
    return sandbox(world=World.DEMO, gitlab=request.param)


def transport(server: RunningSandbox, token: str) -> Transport:
    return Transport(Host.parse(server.url), Credential.personal(token), clock=SystemClock())


async def fraud_runs(
    asking: Transport, pages: Callable[[Transport, Experiment], AsyncIterator[Run]] | None = None
) -> dict[str, Run]:
    project = (await ProjectDirectory(asking).project("acme/fraud")).ref
    experiment = next(item for item in await list_experiments(asking, project) if item.name == "fraud-training")
    return {run.id: run async for run in (pages or _runs)(asking, experiment)}


async def _runs(asking: Transport, experiment: Experiment) -> AsyncIterator[Run]:
    async for rows in run_pages(asking, experiment):
        for row in rows:
            yield run_of(row, experiment.project, experiment.name)


async def _seen_runs(asking: Transport, experiment: Experiment) -> AsyncIterator[Run]:
    async for rows in candidate_pages(asking, experiment):
        for row in rows:
            yield run_of(row, experiment.project, experiment.name)


async def test_who_may_only_read_sees_the_same_runs_and_values(server: RunningSandbox) -> None:
    reader = server.make_token("reporter", scopes=("read_api",))
    async with transport(server, server.tokens["maintainer"]) as writer, transport(server, reader) as reading:
        full, seen = await asyncio.gather(fraud_runs(writer), fraud_runs(reading, _seen_runs))
    assert seen.keys() == full.keys()
    assert len(seen) > 20
    for run_id, run in seen.items():
        assert (run.name, run.status, run.params) == (full[run_id].name, full[run_id].status, full[run_id].params)
        assert repr(run.metrics) == repr(full[run_id].metrics)
        assert run.started_at in {None, full[run_id].started_at}


async def test_a_history_is_whole_on_every_release(server: RunningSandbox) -> None:
    async with transport(server, server.tokens["maintainer"]) as asking:
        runs = await fraud_runs(asking)
        run = next(item for item in runs.values() if "auc" in item.metrics and item.status.value == "FINISHED")
        history = await metric_history(asking, run, "auc")
    assert history.is_complete
    assert [point.step for point in history.points] == sorted(point.step for point in history.points)
    assert len(history.points) > 5
    assert history.points[-1].value == run.metrics["auc"]
    has_times = server.settings.gitlab is Release.V19
    assert all((point.timestamp is not None) is has_times for point in history.points)


async def test_deployments_are_read_once_and_then_kept_fresh_by_one_request(server: RunningSandbox) -> None:
    credential = Credential.personal(server.tokens["maintainer"])
    with FaultProxy(server.url) as proxy:
        async with Transport(Host.parse(proxy.url), credential, clock=SystemClock()) as asking:
            project = (await ProjectDirectory(asking).project("acme/fraud")).ref
            book = DeploymentBook()
            first = await list_deployments(asking, project, book)
            before = len(proxy.requests)
            again = await list_deployments(asking, project, book)
            assert again == first
            assert len(proxy.requests) - before == 1
