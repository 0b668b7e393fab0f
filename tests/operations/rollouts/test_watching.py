"""A watched rollout: it goes on when the traffic is healthy, and goes back by itself when it is not."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from mlops_tui.analysis.judge import SequentialJudge
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_decisions import Course
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.domain.rollouts import EventKind, Hindrance, Rollout
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.canary_evidence import canary_gap, canary_observation, canary_of
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.judging import evidence_file, judge_plan_of
from mlops_tui.operations.rollouts.listing import renewed, rollout, rollouts
from mlops_tui.operations.rollouts.steps import prepare_advance
from mlops_tui.operations.rollouts.watching import Watcher
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.rolling import WATCHED, Traffic, act, fraud_session, start


async def flags(company: Company, session: Session) -> dict[str, Any]:
    """The project's flags by name, as GitLab's REST API tells them."""
    project = await company.project(session)
    answer = await session.transport.get(f"/api/v4/projects/{project.ref.id}/feature_flags", {"per_page": "100"})
    return {flag["name"]: flag for flag in answer.json()}


def share(flag: Any) -> str:
    """The percentage of a flag's only strategy."""
    (strategy,) = flag["strategies"]
    return str(strategy["parameters"]["rollout"])


async def lease_holder(company: Company, session: Session) -> str:
    """Who the flag of the only lease says holds it."""
    (flag,) = [flag for name, flag in (await flags(company, session)).items() if name.startswith("mlops-lease")]
    return str(flag["description"]).removeprefix("held by ").partition(" until ")[0]


def lease_texts(snapshot: Snapshot[Rollout]) -> list[str]:
    """What a rollout's events tell of its leases."""
    return [event.text for event in snapshot.data.events if event.kind is EventKind.LEASE]


async def test_a_healthy_version_goes_step_by_step_and_is_deployed_in_full(company: Company) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        assert (record.weight, record.state) == (5.0, RolloutState.SOAKING)
        watcher = Watcher(session, record.id, may_act=True)
        look = await watcher.look()
        assert look.decision.course is Course.WAIT
        await traffic.flow(8)
        look = await watcher.look()
        assert look.record.weight == 25.0, look
        assert share((await flags(company, session))["fraud-canary"]) == "25"
        await traffic.flow(4)
        assert (await watcher.look()).record.weight == 100.0
        look = await watcher.look()
        assert (look.decision.course, look.receipt) == (Course.WAIT, None)
        assert "person" in look.decision.reason
        await act(session, await prepare_advance(session, record.id))
        assert (await rollout(session, record.id)).data.state is RolloutState.PROMOTING
        await session.clock.sleep(60)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.FINISH, RolloutState.DONE)
        assert {arm.name: arm.samples for arm in look.record.arms} == {"stable": 12 * 60, "canary": 12 * 60}
        assert share((await flags(company, session))["fraud-canary"]) == "0"
        delivery = await read_delivery(session, await company.project(session))
        assert live_version(delivery.deployments, "fraud", "production").version == "2.1.0"
        texts = [event.text for event in look.record.events]
        assert any(text.startswith("step 2 of 3 at 25 %") for text in texts)
        assert [point.weights["canary"] for point in look.record.weights[1:4]] == [5.0, 25.0, 100.0]
        await watcher.close()
        assert not [name for name in await flags(company, session) if "lease" in name]


async def test_a_breach_takes_the_traffic_back_and_can_be_judged_again(company: Company) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        watcher = Watcher(session, record.id, may_act=True)
        await traffic.flow(5)
        assert (await watcher.look()).record.verdict is Verdict.CONTINUE
        await traffic.flow(8, faults=0.5)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.ROLL_BACK, RolloutState.ROLLED_BACK)
        assert "errors of canary" in look.decision.reason
        flag = (await flags(company, session))["fraud-canary"]
        assert share(flag) == "0"
        assert " aborted since " in flag["description"]
        evidence = evidence_file(session, record).read().measurements
        assert record.plan is not None
        plan = judge_plan_of(record.plan)
        assert plan is not None
        judge = SequentialJudge(plan)
        last = [
            judge.observe(at, [item for item in evidence if item.at == at])
            for at in sorted({item.at for item in evidence})
        ][-1]
        assert last.verdict is Verdict.BREACH
        # Its page keeps the traffic it had, and nothing that comes later is taken for its evidence.
        await traffic.flow(4)
        page = (await rollout(session, record.id)).data
        assert {arm.name: arm.samples for arm in page.arms} == {"stable": 13 * 60, "canary": 13 * 60}
        assert [(point.spans["canary"], point.errors["canary"]) for point in page.traffic] == [(60, 0)] * 5 + [
            (60, 30)
        ] * 8
        assert page.obstacles == ()
        assert evidence_file(session, record).read().measurements == evidence
        assert (await renewed(session, page)).data.traffic == page.traffic
        (listed,) = (await rollouts(session)).data
        assert listed.traffic == ()
        # Whoever decides about the version is told.
        project = await company.project(session)
        canary = await canary_of(session, project, "fraud", "2.1.0", "production")
        told = canary_observation(canary, session.clock.now())
        assert told.is_available
        assert told.text.startswith("BREACH in production, at up to 5 %, rolled back: errors of canary")
        assert canary_gap(canary).startswith("The canary's verdict is BREACH")
        assert await canary_of(session, project, "fraud", "1.2.1", "production") is None
        # The same from another place, which has neither the evidence nor the journal.
        await watcher.close()
    async with fraud_session(company, "developer") as elsewhere:
        again = (await rollout(elsewhere, record.id)).data
        assert (again.state, again.weight) == (RolloutState.ROLLED_BACK, 0.0)


async def test_of_two_watchers_one_acts_and_the_other_takes_over_when_it_is_gone(company: Company) -> None:
    async with fraud_session(company) as one, fraud_session(company, "developer") as two, Traffic(one) as traffic:
        record = await start(company, one, WATCHED)
        first, second = Watcher(one, record.id, may_act=True), Watcher(two, record.id, may_act=True)
        await asyncio.gather(first.look(), second.look())
        held = [name for name in await flags(company, one) if name.startswith("mlops-lease")]
        assert held == [f"mlops-lease-{record.id}-1"]
        await traffic.flow(8)
        two.data.joinpath("traces.db").symlink_to(one.data / "traces.db")
        looks = await asyncio.gather(first.look(), second.look())
        acted = [look for look in looks if look.receipt is not None]
        assert len(acted) == 1
        assert acted[0].record.progress.step == 2
        # Whoever held it is gone without a word: after its time the other one takes over, with the next number.
        former = await lease_holder(company, one)
        gone, other = (first, second) if looks[0].receipt else (second, first)
        await other.session.clock.sleep(100)
        await other.look()
        assert [name for name in await flags(company, one) if "lease" in name] == [f"mlops-lease-{record.id}-2"]
        look = await gone.look()
        assert look.receipt is None
        later = await lease_holder(company, one)
        # Where the first one ran it is known who acted when; the other place knows its own, and what GitLab shows.
        told = lease_texts(await rollout(gone.session, record.id))
        assert told[0] == f"lease 1 was taken by {former}"
        assert re.fullmatch(rf"lease 2 was taken over by {later} until [0-9:]{{8}} UTC", told[1])
        assert lease_texts(await rollout(other.session, record.id)) == told[1:]
        await other.session.clock.sleep(100)
        assert lease_texts(await rollout(gone.session, record.id))[2:] == [f"lease 2 of {later} ran out"]
        await other.close()
        assert lease_texts(await rollout(other.session, record.id)) == [
            f"lease 2 was taken over by {later}",
            f"lease 2 was given back by {later}",
        ]


async def test_nothing_passes_on_a_step_without_a_control(company: Company) -> None:
    plan = WATCHED.replace("{weight: 100}", "{weight: 100, soak: 20s}")
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, plan)
        watcher = Watcher(session, record.id, may_act=True)
        await traffic.flow(8)
        await watcher.look()
        await traffic.flow(4)
        look = await watcher.look()
        assert (look.record.weight, look.record.verdict) == (100.0, Verdict.INSUFFICIENT)
        # Everything goes to the new version, and half of it fails.
        await traffic.flow(5, stable=0, faults=0.5)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.HOLD, RolloutState.HELD)
        assert look.record.judgement is not None
        assert {result.verdict for result in look.record.judgement.guardrails} == {Verdict.INSUFFICIENT}
        action = await prepare_advance(session, record.id)
        told = next(text for text in action.preview.obstacles if text.startswith("The verdict is INSUFFICIENT"))
        assert "the control serves nothing, and it was HEALTHY until then" in told
        assert "errors are 50.0% of the answers now and were 0.0%" in told
        kinds = [event.text.partition(":")[0] for event in look.record.events if event.kind is EventKind.VERDICT]
        assert kinds[-2:] == ["HEALTHY", "INSUFFICIENT"]
        await watcher.close()
        # Whoever aborts then must not find it called healthy afterwards, there or on another machine.
        await act(session, await prepare_abort(session, record.id, "half of it fails"))
        async with fraud_session(company, "approver") as elsewhere:
            for terminal in (session, elsewhere):
                ended = (await rollout(terminal, record.id)).data
                assert (ended.state, ended.verdict) == (RolloutState.ROLLED_BACK, Verdict.INSUFFICIENT)
                assert [item.verdict for item in (await rollouts(terminal)).data] == [Verdict.INSUFFICIENT]


async def test_a_silent_arm_holds_the_rollout(company: Company) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        watcher = Watcher(session, record.id, may_act=True)
        await traffic.flow(6, canary=0)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.HOLD, RolloutState.HELD)
        assert "canary served nothing" in look.decision.reason
        await watcher.close()


async def test_a_wait_that_cannot_end_holds_the_rollout(company: Company) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        watcher = Watcher(session, record.id, may_act=True)
        # The new version answers a few times and never again.
        await traffic.flow(1, canary=20)
        await traffic.flow(6, canary=0)
        assert (await watcher.look()).decision.course is Course.WAIT
        await traffic.flow(10, canary=0)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.HOLD, RolloutState.HELD)
        assert look.decision.reason.endswith("nothing comes any more of what is lacking of canary")
        await watcher.close()


async def test_a_guardrail_of_which_nothing_comes_holds_the_rollout(company: Company) -> None:
    tokens = "{name: tokens, metric: attribute.tokens, kind: mean, direction: lower, margin: 1, min_samples: 50}"
    plan = WATCHED.replace("      guardrails:\n", f"      guardrails:\n        - {tokens}\n")
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, plan)
        watcher = Watcher(session, record.id, may_act=True)
        await traffic.flow(8)
        assert (await watcher.look()).decision.course is Course.WAIT
        await traffic.flow(10)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.HOLD, RolloutState.HELD)
        assert look.decision.reason.endswith("nothing comes any more of what is lacking of stable, canary")
        await watcher.close()


async def test_another_split_than_planned_is_no_comparison(company: Company) -> None:
    plan = WATCHED.replace("      guardrails:", "      weights: {stable: 0.5, canary: 0.5}\n      guardrails:")
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, plan)
        await traffic.flow(6, stable=50, canary=50)
        look = await Watcher(session, record.id, may_act=False).look()
        assert look.record.verdict is Verdict.INVALID
        assert Hindrance.MISMATCH in {item.kind for item in look.record.obstacles}
        assert (look.decision.course, look.note) == (Course.HOLD, "only watching")
