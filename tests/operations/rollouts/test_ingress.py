"""The driver of an ingress, where GitLab still moves weights: what is deployed before any traffic moves."""

from __future__ import annotations

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.rollouts import EventKind
from mlops_tui.operations.actions import run
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout, rollouts
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance
from tests.operations.company import Company
from tests.operations.rolling import PLAN, act, churn_session, fraud_session, plan_for
from tests.operations.rollouts.test_drivers import INGRESS


async def test_deploying_the_canary_claims_no_weight(clustered: Company) -> None:
    async with churn_session(clustered) as session:
        await plan_for(clustered, session, INGRESS, "acme/churn")
        project = await clustered.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(5)
        action = await prepare_advance(session, "churn")
        assert action.preview.title == "Before step 1 of 2 in production: the job canary deploys 2.0.0 as the canary"
        (change,) = action.preview.changes
        assert change.after == "still 0 %; 5 % only by the next go-ahead, once that has ended"
        await act(session, action)
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert [event.text for event in record.events if event.kind is EventKind.STEPPED] == [
            "the job canary deploys 2.0.0 as the canary"
        ]
        assert {point.weights.get("canary", 0.0) for point in record.weights} == {0.0}
        action = await prepare_advance(session, "churn")
        assert [change.after for change in action.preview.changes] == ["5 %", "1"]
        # A rollout that is over has no steps of another plan.
        await act(session, await prepare_abort(session, record.id, "slower"))
        await plan_for(clustered, session, INGRESS.replace("{weight: 5}", "{weight: 10}, {weight: 20}"), "acme/churn")
        ended = (await rollout(session, record.id)).data
        assert (ended.state.is_over, ended.steps, ended.progress.step) == (True, (), 0)


async def test_a_pipeline_without_a_canary_replaces_nothing(clustered: Company) -> None:
    async with fraud_session(clustered) as session:
        await plan_for(clustered, session, PLAN.replace("driver: flag", "driver: ingress"))
        project = await clustered.project(session)
        action = await prepare_start(session, project, "fraud", ("2.1.0",), "production")
        assert [call.path.rsplit("/", 1)[-1] for call in action.preview.calls[:3]] == ["graphql", "pipeline", "cancel"]
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.FAILED
        assert " has no job canary or " in receipt.message
        assert "so it would have deployed 2.1.0 over 2.0.0 at once" in receipt.message
        await session.clock.sleep(60)
        assert (
            live_version((await read_delivery(session, project)).deployments, "fraud", "production").version == "2.0.0"
        )
        assert (await rollouts(session)).data == ()
