"""Rollouts kept in a pipeline's name, where GitLab refuses, fails or shows less than all of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.domain.rollouts import Hindrance
from mlops_tui.operations.actions import Action, Performed, Sender, run
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.leases import LeaseKeeper
from mlops_tui.operations.rollouts.listing import rollout, rollouts
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full
from mlops_tui.operations.rollouts.watching import leased
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from tests.faults.proxy import FaultProxy, json_answer
from tests.operations.company import Company
from tests.operations.rolling import act, churn_session, fraud_session, plan_for, start
from tests.operations.rollouts.test_drivers import INGRESS


def script(company: Company, hook: str, body: dict[str, Any]) -> None:
    """Have the sandbox make trouble."""
    with httpx.Client(trust_env=False) as client:
        client.post(f"{company.server.url}/-/sandbox/{hook}", json=body).raise_for_status()


async def test_a_first_step_whose_job_fails_or_is_cancelled_is_not_reached(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        fault = {"project": "acme/churn", "job": "rollout 10%", "message": "no route", "exit_code": 1}
        script(company, "job_faults", fault)
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.state, record.progress.step, record.weight) == (RolloutState.STARTING, 0, 0.0)
        # Played again, which writes the step into the mark, and cancelled by somebody.
        played = await act(session, await prepare_advance(session, "churn"))
        path = f"/api/v4/projects/{project.ref.id}/jobs/{played.followed['job']}/cancel"
        await session.transport.send(ApiCall(Method.POST, path))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.state, record.progress.step, record.weight) == (RolloutState.STARTING, 0, 0.0)
        (found,) = [item for item in record.obstacles if item.kind is Hindrance.FAILED]
        assert found.text.startswith("The job rollout 10% was cancelled")
        # What it did before that is not known, so an abort deploys the version before all the same.
        action = await prepare_abort(session, "churn", "it never came up")
        assert [change.after for change in action.preview.changes if change.label == "deployment"]
        await act(session, await prepare_advance(session, "churn"))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.progress.step, record.weight) == (1, 10.0)


async def test_a_rollout_whose_pipeline_cannot_be_named_plays_nothing(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        refusal = {"method": "PUT", "path": "*/metadata", "status": 400, "body": '{"message": "Failed to update"}'}
        script(company, "faults", refusal)
        receipt = await run(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"), "churn")
        assert receipt.outcome is Outcome.FAILED
        assert [call.status for call in receipt.calls] == [201, 400]
        assert f"cancel pipeline {receipt.followed['pipeline']} in GitLab" in receipt.message
        assert (await rollouts(session)).data == ()
        # Nothing of it stands in the way of the next one.
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))


async def test_a_pipeline_without_the_jobs_of_the_steps_deploys_nothing(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        before = live_version((await read_delivery(session, project)).deployments, "churn", "staging")
        # The configuration has the jobs of the steps for production alone.
        action = await prepare_start(session, project, "churn", ("1.0.1",), "staging")
        assert [call.purpose[:9] for call in action.preview.calls] == [
            "start the",
            "only if i",
            "name the ",
            "start the",
        ]
        receipt = await run(session, action, action.preview.confirmation.name)
        assert (receipt.outcome, [call.status for call in receipt.calls]) == (Outcome.FAILED, [201, 200])
        number = receipt.followed["pipeline"]
        assert receipt.message.startswith(
            f"Pipeline {number} was stopped: it has no job rollout 10% or timed rollout 10% for staging, "
            f"so it would have deployed 1.0.1 over {before.version} at once. Add the jobs of the steps"
        )
        await session.clock.sleep(60)
        assert (await rollouts(session)).data == ()
        assert live_version((await read_delivery(session, project)).deployments, "churn", "staging") == before


UNREADABLE = json_answer(403, '{"message":"403 Forbidden"}')


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ((), r"Pipeline (\d+) was stopped: its jobs could not be read \(.*\)\. Start again"),
        (("*/cancel",), r"Pipeline (\d+) was to be stopped, since its jobs could not be read .* cancel pipeline \1 in"),
    ],
)
async def test_a_pipeline_whose_jobs_cannot_be_read_is_stopped_or_named(
    company: Company, refused: tuple[str, ...], told: str
) -> None:
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url, projects=("acme/churn",)) as session:
            project = await company.project(session, "acme/churn")
            action = await prepare_start(session, project, "churn", ("2.0.0",), "production")
            stop = action.preview.calls[1]

            async def perform(sender: Sender) -> Performed:
                for path in ("*/pipelines/*/jobs*", *refused):
                    proxy.play(UNREADABLE, path=path)
                return await action.perform(sender)

            receipt = await run(session, Action(action.preview, action.read_state, perform), "churn")
            proxy.clear()
            assert receipt.outcome is Outcome.FAILED
            assert re.match(told, receipt.message), receipt.message
            assert [call.status for call in receipt.calls] == [201, 403 if refused else 200]
            assert receipt.calls[1].url.endswith(stop.path.format(pipeline=receipt.followed["pipeline"]))
            assert (await rollouts(session)).data == ()


async def test_a_lease_lost_before_a_promotion_is_named_is_told(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session)
        project = await company.project(session)
        keeper = LeaseKeeper(session, project.ref, record.id, "watcher 1")
        assert await keeper.keep()
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")

        async def perform(sender: Sender) -> Performed:
            class Losing(Sender):
                async def send(self, call: ApiCall) -> Any:
                    answer = await sender.send(call)
                    await LeaseKeeper(session, project.ref, record.id, keeper.holder, held=keeper.held).give_back()
                    return answer

            return await action.perform(Losing(sender.session, sender.moment, sender.sent))

        receipt = await run(session, leased(Action(action.preview, action.read_state, perform), keeper), "fraud")
        assert receipt.outcome is Outcome.FAILED
        assert "lease" in receipt.message
        assert "Made before: 1 call" in receipt.message


async def test_a_rollout_is_found_behind_any_number_of_newer_pipelines(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        path = f"/api/v4/projects/{project.ref.id}/pipeline"
        for _ in range(100):
            await session.transport.send(ApiCall(Method.POST, path, {"ref": "main"}))
        again = (await rollout(session, record.id)).data
        assert (again.state, again.weight) == (record.state, 10.0)
        async with churn_session(company, "developer") as elsewhere:
            assert [item.id for item in (await rollouts(elsewhere)).data] == [record.id]
        aborted = await act(session, await prepare_abort(session, record.id, "a busy day"))
        assert aborted.message.startswith("The rollout of churn 2.0.0 is stopped, and 1.1.0 is being deployed again")


async def test_an_abort_whose_weight_is_refused_is_no_success(demo_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = SandboxClock()
    with running(Settings(world=World.DEMO, data=data, legacy_clusters=True), clock) as server:
        company = Company(server, clock, tmp_path)
        async with churn_session(company) as session:
            await plan_for(company, session, INGRESS, "acme/churn")
            project = await company.project(session, "acme/churn")
            await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
            await session.clock.sleep(5)
            await act(session, await prepare_advance(session, "churn"))
            await session.clock.sleep(30)
            await act(session, await prepare_advance(session, "churn"))
            await act(session, await prepare_full(session, "churn"))
            action = await prepare_abort(session, "churn", "slower")
            body = json.dumps({"data": {"environmentsCanaryIngressUpdate": {"errors": ["not allowed to weigh"]}}})
            refused = action.preview.calls[0]

            async def perform(sender: Sender) -> Performed:
                script(company, "faults", {"method": "POST", "path": refused.path, "status": 200, "body": body})
                return await action.perform(sender)

            receipt = await run(session, Action(action.preview, action.read_state, perform), "churn")
            assert receipt.outcome is Outcome.FAILED
            assert "not allowed to weigh" in receipt.message
            # What is being deployed was stopped, and the version before comes back, all the same.
            assert [call.url.rsplit("/", 1)[-1] for call in receipt.calls] == ["graphql", "cancel", "retry"]
