"""The drivers over HTTP: several arms by flags, jobs of a pipeline, and an ingress that GitLab has switched off."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import gitlab
import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.rollout_decisions import Course, decide
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.domain.rollouts import Hindrance, Rollout
from mlops_tui.operations.actions import Action, Performed, Sender, run
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout, rollouts
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full, prepare_hold, prepare_resume
from mlops_tui.operations.rollouts.watching import Watcher
from mlops_tui.operations.session import Session
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, Tier, World
from tests.operations.company import Company
from tests.operations.rolling import WATCHED, ProgramEndedError, act, churn_session, fraud_session, plan_for, start

ARMS = WATCHED.replace("driver: flag", "driver: flag\n      flag: fraud-test\n      treatments: [a, b]")
INGRESS = """
version: 1
models:
  churn:
    deploy:
      with: variables
      parameters: {model: MODEL_NAME, version: MODEL_VERSION, environment: MODEL_ENVIRONMENT, intent: MODEL_INTENT}
    rollout:
      driver: ingress
      steps: [{weight: 5}, {weight: 50}]
      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.02}]
"""


def flags_of(company: Company) -> dict[str, Any]:
    """The flags as GitLab's own Python client reads them."""
    with gitlab.Gitlab(company.server.url, private_token=company.server.tokens["developer"]) as client:
        client.session.trust_env = False
        project = client.projects.get("acme/fraud")
        return {flag.name: flag for flag in project.feature_flags.list(get_all=True)}


def shares(company: Company) -> dict[str, tuple[str, str, str]]:
    """Percentage, group and scope of each flag of a test of several arms."""
    found = {}
    for name, flag in flags_of(company).items():
        if name.startswith("fraud-test-"):
            (strategy,) = flag.strategies
            parameters = strategy["parameters"]
            found[name] = (parameters["rollout"], parameters["groupId"], strategy["scopes"][0]["environment_scope"])
    return found


async def status(session: Session, record: Rollout) -> Rollout:
    return (await rollout(session, record.id)).data


async def test_several_arms_have_a_flag_each_and_a_half_step_is_finished_or_taken_back(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session, ARMS, "2.1.0", "1.2.1")
        assert [(arm.name, arm.version, arm.weight) for arm in record.arms] == [
            ("stable", "2.0.0", 94.09), ("a", "2.1.0", 3.0), ("b", "1.2.1", 2.91),
        ]  # fmt: skip
        first = shares(company)
        assert {name: (share, scope) for name, (share, _, scope) in first.items()} == {
            "fraud-test-a": ("3", "production"), "fraud-test-b": ("3", "production"),
        }  # fmt: skip
        groups = {group for _, group, _ in first.values()}
        assert len(groups) == 2
        assert all(group.isalpha() and group.islower() and len(group) <= 32 for group in groups)

        with pytest.raises(UsageError, match="--arm"):
            await prepare_full(session, record.id)
        action = await prepare_advance(session, record.id)
        # The program ends between the first and the second flag.
        with pytest.raises(ProgramEndedError):
            await run(session, interrupted(action, after=1), "fraud")
        assert {share for share, _, _ in shares(company).values()} == {"3", "13"}
        (settled,) = await reconcile(session)
        assert "half-way" in settled.message
        half = await status(session, record)
        assert (half.state, half.progress.step) == (RolloutState.STEPPING, 2)
        assert Hindrance.HALF_WAY in {item.kind for item in half.obstacles}
        await act(session, await prepare_advance(session, record.id))
        whole = await status(session, record)
        assert (whole.state in {RolloutState.SOAKING, RolloutState.READY}, whole.progress.step) == (True, 2)
        assert [share for share, _, _ in shares(company).values()] == ["13", "14"]
        # Aborting half-way: what the crash left behind is taken back as well.
        action = await prepare_abort(session, record.id, "enough seen")
        with pytest.raises(ProgramEndedError):
            await run(session, interrupted(action, after=1), "fraud")
        half = await status(session, record)
        (told,) = [item.text for item in half.obstacles if item.kind is Hindrance.HALF_WAY]
        assert (half.state, told.rpartition(". ")[2]) == (RolloutState.ROLLING_BACK, "Abort it once more")
        await act(session, await prepare_abort(session, record.id, "enough seen"))
        assert {share for share, _, _ in shares(company).values()} == {"0"}
        assert (await status(session, record)).state is RolloutState.ROLLED_BACK


def interrupted(action: Action, after: int) -> Action:
    """The same action in a program that is ended after so many calls."""

    async def perform(sender: Sender) -> Performed:
        class Ending(Sender):
            async def send(self, call: Any) -> Any:
                if len(self.sent) == after:
                    raise ProgramEndedError
                return await Sender.send(self, call)

        return await action.perform(Ending(sender.session, sender.moment, sender.sent))

    return Action(action.preview, action.read_state, perform)


async def test_a_flag_changed_by_hand_is_noticed_and_a_broken_policy_stops_no_abort(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session, WATCHED)
        held = await act(session, await prepare_hold(session, "fraud", "lunch"))
        assert held.intent.reason == "lunch"
        assert (await status(session, record)).state is RolloutState.HELD
        await act(session, await prepare_resume(session, "fraud"))
        advance = await prepare_advance(session, "fraud")
        with gitlab.Gitlab(company.server.url, private_token=company.server.tokens["developer"]) as client:
            client.session.trust_env = False
            flag = client.projects.get("acme/fraud").feature_flags.get("fraud-canary")
            (strategy,) = flag.strategies
            strategy["parameters"]["rollout"] = "70"
            flag.strategies = [strategy]
            flag.save()
        with pytest.raises(RefusedError, match="changed since the preview"):
            await run(session, advance, "fraud")
        found = await status(session, record)
        assert (found.weight, [item.kind for item in found.obstacles][:1]) == (70.0, [Hindrance.CHANGED_BY_HAND])
        with pytest.raises(RefusedError, match="under way"):
            await prepare_start(session, await company.project(session), "fraud", ("2.1.0",), "production")
        await plan_for(company, session, "version: 1\nmodels: {fraud: {rollout: {}}}")
        found = await status(session, record)
        assert Hindrance.PLAN_CHANGED in {item.kind for item in found.obstacles}
        await act(session, await prepare_abort(session, record.id, "a wrong file"))
        assert (await status(session, record)).state is RolloutState.ROLLED_BACK
    async with fraud_session(company, "reporter") as reader:
        snapshot = await rollouts(reader)
        assert snapshot.data == ()
        assert "flags" in str(snapshot.error)


async def test_the_jobs_of_a_pipeline_are_played_held_and_taken_back(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        before = live_version((await read_delivery(session, project)).deployments, "churn", "production")
        assert before.version == "1.1.0"
        action = await prepare_start(session, project, "churn", ("2.0.0",), "production")
        await act(session, action)
        record = (await rollout(session, "churn")).data
        await session.clock.sleep(30)
        record = await status(session, record)
        assert (record.driver, record.progress.step, record.weight) == ("jobs", 1, 10.0)
        await act(session, await prepare_advance(session, record.id))
        assert (await status(session, record)).state is RolloutState.STEPPING
        await session.clock.sleep(30)
        record = await status(session, record)
        assert (record.progress.step, record.weight) == (2, 25.0)
        await act(session, await prepare_hold(session, record.id))
        assert (await status(session, record)).state is RolloutState.HELD
        async with churn_session(company, "developer") as elsewhere:
            assert (await status(elsewhere, record)).state is RolloutState.HELD
        aborted = await act(session, await prepare_abort(session, record.id, "customers leave"))
        assert aborted.followed["job"]
        assert (await status(session, record)).state is RolloutState.ROLLING_BACK
        await session.clock.sleep(60)
        record = await status(session, record)
        assert (record.state, record.weight) == (RolloutState.ROLLED_BACK, 0.0)
        live = live_version((await read_delivery(session, project)).deployments, "churn", "production")
        assert (live.version, live.share) == ("1.1.0", 100.0)
        # From the first step to everything: the pipeline's own job deploys in full.
        action = await prepare_start(session, project, "churn", ("2.0.0",), "production")
        await act(session, action)
        await session.clock.sleep(30)
        again = (await rollout(session, "churn")).data
        assert again.id != record.id
        await act(session, await prepare_full(session, again.id))
        await session.clock.sleep(30)
        again = await status(session, again)
        assert (again.state, again.weight) == (RolloutState.DONE, 100.0)


async def test_an_ingress_that_gitlab_has_switched_off_is_said_before_anything_is_made(company: Company) -> None:
    async with churn_session(company) as session:
        await plan_for(company, session, INGRESS, "acme/churn")
        project = await company.project(session, "acme/churn")
        action = await prepare_start(session, project, "churn", ("2.0.0",), "production")
        receipt = await run(session, action, "churn")
        assert (receipt.outcome, len(receipt.calls)) == (Outcome.FAILED, 1)
        assert "deactivated" in receipt.message
        assert "driver: flag" in receipt.message
        assert (await rollouts(session)).data == ()


async def test_an_ingress_that_can_be_weighed_is_moved_step_by_step(demo_data: Path, tmp_path: Path) -> None:
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
            # Before anything is weighed the canary has to be deployed.
            await act(session, await prepare_advance(session, "churn"))
            await session.clock.sleep(30)
            for number, weight in ((1, 5.0), (2, 50.0)):
                await act(session, await prepare_advance(session, "churn"))
                record = (await rollout(session, "churn")).data
                assert (record.driver, record.progress.step, record.weight) == ("ingress", number, weight)
            aborted = await act(session, await prepare_abort(session, "churn", "slower"))
            assert [call.status for call in aborted.calls] == [200, 200]
            assert (await status(session, record)).state is RolloutState.ROLLED_BACK


async def test_a_freeze_and_a_protection_are_noticed(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session, WATCHED)
        project = record.project
        body = {"freeze_start": "0 0 * * *", "freeze_end": "59 23 * * *"}
        await session.transport.send(ApiCall(Method.POST, f"/api/v4/projects/{project.id}/freeze_periods", body))
        rules: dict[str, JsonValue] = {"name": "production", "deploy_access_levels": [{"access_level": 40}]}
        path = f"/api/v4/projects/{project.id}/protected_environments"
        await session.transport.send(ApiCall(Method.POST, path, rules))
        found = {item.kind for item in (await status(session, record)).obstacles}
        assert (Hindrance.FROZEN in found, Hindrance.PROTECTED in found) == (True, False)
        assert decide(await status(session, record)).course is Course.WAIT
    async with fraud_session(company, "developer") as session:
        found = {item.kind for item in (await status(session, record)).obstacles}
        assert {Hindrance.FROZEN, Hindrance.PROTECTED} <= found


async def test_flags_and_the_lease_need_no_licence(demo_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = SandboxClock()
    with running(Settings(world=World.DEMO, data=data, tier=Tier.FREE), clock) as server:
        company = Company(server, clock, tmp_path)
        async with fraud_session(company) as session:
            # Without deployment approvals votes in an issue are asked for first, unless they are to see the canary.
            plan = WATCHED.replace("    rollout:\n", "    approval: {evidence: [canary]}\n    rollout:\n")
            record = await start(company, session, plan)
            watcher = Watcher(session, record.id, may_act=True)
            look = await watcher.look()
            assert (look.error, look.decision.course) == (None, Course.WAIT)
            assert f"mlops-lease-{record.id}-1" in flags_of(company)
            assert (await status(session, record)).lease is not None
            await act(session, await prepare_abort(session, record.id, "tried"))
            await watcher.close()
            assert flags_of(company)["fraud-canary"].strategies[0]["parameters"]["rollout"] == "0"
        with pytest.raises(RefusedError, match="not approved"):
            async with fraud_session(company) as session:
                await start(company, session, WATCHED)
