"""An abort in an environment whose deployments need approvals: the version before comes back when somebody approves."""

from __future__ import annotations

import json

import pytest

from mlops_tui.domain.api_calls import ApiAnswer, ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import DeploymentStatus
from mlops_tui.domain.rollout_decisions import Course, decide
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.domain.rollouts import Hindrance
from mlops_tui.operations.actions import Action, Performed, Sender, run
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full
from mlops_tui.operations.rollouts.watching import Watcher
from mlops_tui.operations.session import Session
from tests.faults.proxy import FaultProxy, json_answer
from tests.operations.approving import FRAUD, deploy, protect, raw
from tests.operations.company import Company
from tests.operations.rolling import PLAN, ProgramEndedError, act, churn_session, fraud_session, start
from tests.operations.rollouts.test_drivers import ARMS, interrupted
from tests.operations.rollouts.test_pipelines import script

CHURN = "/projects/acme%2Fchurn"
# GitLab answers so for a deployment whose rules it hides.
HIDDEN = json_answer(200, '[{"errors": [{"message": "The resource that you asked for is not available"}]}]')


def approve(company: Company, deployment: int, job: object) -> None:
    """Approve a deployment, and play the job that waited for it: GitLab does not by itself."""
    answer = raw(company, "approver").post(f"{CHURN}/deployments/{deployment}/approval", json={"status": "approved"})
    assert answer.status_code == 201, answer.text
    raw(company).post(f"{CHURN}/jobs/{job}/play").raise_for_status()


async def approvals(session: Session) -> list[str]:
    """What the rollout waits for approvals of."""
    record = (await rollout(session, "churn")).data
    return [item.text for item in record.obstacles if item.kind is Hindrance.APPROVAL]


async def is_deploying(session: Session) -> bool:
    """Whether the full deployment of fraud runs."""
    delivery = await read_delivery(session, (await session.projects())[0])
    return any(item.status is DeploymentStatus.RUNNING for item in delivery.under_way("production"))


async def at_half(company: Company, session: Session) -> None:
    """Bring churn 2.0.0 to the third step by jobs, and protect production only then."""
    project = await company.project(session, "acme/churn")
    await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
    for _ in range(2):
        await session.clock.sleep(30)
        await act(session, await prepare_advance(session, "churn"))
    await session.clock.sleep(30)
    protect(company, project=CHURN)


def as_created(company: Company, action: Action) -> Action:
    """The same abort, answered so early that GitLab has only made the rollback's deployment, and blocks it later."""

    async def perform(sender: Sender) -> Performed:
        class Early(Sender):
            async def send(self, call: ApiCall) -> ApiAnswer:
                answer = await Sender.send(self, call)
                if call.path.endswith("/retry"):
                    rows = raw(company).get(f"{CHURN}/deployments", params={"order_by": "id", "sort": "desc"}).json()
                    rows[0]["status"] = "created"
                    fault = {"method": "GET", "path": "*/deployments", "status": 200, "body": json.dumps(rows)}
                    script(company, "faults", fault)
                return answer

        return await action.perform(Early(sender.session, sender.moment, sender.sent))

    return Action(action.preview, action.read_state, perform)


async def test_an_abort_whose_rollback_waits_for_approvals_says_what_serves_until_then(company: Company) -> None:
    async with churn_session(company) as session:
        await at_half(company, session)
        (before,) = await approvals(session)
        assert before.startswith("The job rollout 100% waits for approvals of deployment ")
        receipt = await act(session, await prepare_abort(session, "churn", "customers leave"))
        record = (await rollout(session, "churn")).data
        # It needs neither time nor samples any more.
        assert (record.state, record.needs, record.estimate) == (RolloutState.ROLLING_BACK, None, None)
        # Nothing tells how to go forward any more.
        (found,) = await approvals(session)
        deployment = int(found.split("deployment ")[1].split(")")[0])
        waits = (
            f"The rollback to 1.1.0 (deployment {deployment}) waits for approval (1 of Maintainers); "
            "until then 2.0.0 still serves 50 %"
        )
        assert (found, receipt.message) == (waits, f"The rollout of churn 2.0.0 is stopped. {waits}")
        # A watcher tells it, and does not make one rollback after the other.
        assert (decide(record).course, decide(record).reason) == (Course.TELL, waits)
        watcher = Watcher(session, record.id, may_act=True)
        assert (await watcher.look()).receipt is None
        await watcher.close()
        told = (await prepare_abort(session, "churn", "again")).preview.obstacles
        assert f"Deployment {deployment} goes back already and waits for somebody: this makes another one" in told
        approve(company, deployment, receipt.followed["job"])
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.state, record.weight, await approvals(session)) == (RolloutState.ROLLED_BACK, 0.0, [])


async def test_a_promotion_that_is_aborted_serves_until_its_rollback_is_approved(company: Company) -> None:
    async with fraud_session(company) as session:
        await start(company, session, PLAN)
        await act(session, await prepare_full(session, "fraud"))
        await session.clock.sleep(60)
        protect(company)
        receipt = await act(session, await prepare_abort(session, "fraud", "second thoughts"))
        assert receipt.message.startswith("The rollout of fraud 2.1.0 is stopped. The rollback to 2.0.0 (deployment ")
        assert receipt.message.endswith("until then 2.1.0 still serves everything")


async def test_an_abort_that_stopped_half_way_is_finished_whatever_else_waits_there(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session, ARMS, "2.1.0", "1.2.1")
        with pytest.raises(ProgramEndedError):
            await run(session, interrupted(await prepare_abort(session, record.id, "enough seen"), after=1), "fraud")
        protect(company)
        other = deploy(company, "1.2.0")
        half = (await rollout(session, record.id)).data
        assert half.weight > 0.0
        assert Hindrance.APPROVAL not in {item.kind for item in half.obstacles}
        # It is told all the same.
        assert [item.text.split(" of ")[0] for item in half.obstacles if item.kind is Hindrance.WAITING] == [
            f"Deployment {other.number}"
        ]
        told = (await prepare_abort(session, record.id, "again")).preview.obstacles
        assert not [text for text in told if "goes back already" in text]
        watcher = Watcher(session, record.id, may_act=True)
        assert (await watcher.look()).decision.course is Course.ROLL_BACK
        await watcher.close()
        over = (await rollout(session, record.id)).data
        assert (over.state, over.weight) == (RolloutState.ROLLED_BACK, 0.0)


async def test_rules_that_nobody_may_see_are_not_told_as_approvals_that_lack(company: Company) -> None:
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url, projects=("acme/churn",)) as session:
            await at_half(company, session)
            proxy.play(HIDDEN, path="*/graphql")
            (told,) = await approvals(session)
            assert told.startswith("The job rollout 100% may wait for approvals of deployment ")
            assert told.endswith("(you may not see its rules)")
            proxy.clear()
            action = await prepare_abort(session, "churn", "customers leave")
            proxy.play(HIDDEN, path="*/graphql")
            receipt = await act(session, action)
            assert "may wait for approvals (you may not see its rules); until then " in receipt.message
            assert await approvals(session) == [receipt.message.partition(" is stopped. ")[2]]


async def test_a_rollback_that_only_begins_is_not_told_to_wait_by_rules_nobody_may_see(company: Company) -> None:
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url, projects=("acme/churn",)) as session:
            await at_half(company, session)
            action = await prepare_abort(session, "churn", "customers leave")
            proxy.play(HIDDEN, path="*/graphql")
            receipt = await act(session, as_created(company, action))
            assert receipt.message.startswith(
                "The rollout of churn 2.0.0 is stopped, and 1.1.0 is being deployed again"
            )


async def test_a_share_that_an_abort_has_taken_back_is_not_told_to_serve(company: Company) -> None:
    async with fraud_session(company) as session:
        await start(company, session, PLAN)
        await act(session, await prepare_full(session, "fraud"))
        for _ in range(60):
            if await is_deploying(session):
                break
            await session.clock.sleep(1)
        protect(company)
        receipt = await act(session, await prepare_abort(session, "fraud", "second thoughts"))
        record = (await rollout(session, "fraud")).data
        assert record.weight == 0.0
        assert receipt.message.endswith("until then 2.1.0 may still serve a part")
        (found,) = [item.text for item in record.obstacles if item.kind is Hindrance.APPROVAL]
        assert found in receipt.message


async def test_another_version_that_waits_too_is_not_taken_for_the_rollback(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session, PLAN)
        await act(session, await prepare_full(session, record.id))
        await session.clock.sleep(60)
        protect(company)
        receipt = await act(session, await prepare_abort(session, record.id, "second thoughts"))
        inputs: dict[str, JsonValue] = {"model": "fraud", "version": "1.2.0", "environment": "production"}
        path = f"/api/v4{FRAUD}/pipeline"
        await session.transport.send(ApiCall(Method.POST, path, {"ref": "main", "inputs": inputs}))
        await session.clock.sleep(60)
        found = {item.kind: item.text for item in (await rollout(session, record.id)).data.obstacles}
        assert found[Hindrance.APPROVAL] in receipt.message
        assert " of 1.2.0 waits for somebody" in found[Hindrance.WAITING]


async def test_a_rollback_that_gitlab_has_not_blocked_yet_is_told_to_wait_all_the_same(company: Company) -> None:
    async with churn_session(company) as session:
        await at_half(company, session)
        receipt = await act(session, as_created(company, await prepare_abort(session, "churn", "customers leave")))
        assert "waits for approval (1 of Maintainers); until then 2.0.0 still serves 50 %" in receipt.message
