"""When a step began: at the moment it was sent, however long its preview lay open."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.errors import ServerFaultError
from mlops_tui.domain.journal import EntryKind
from mlops_tui.domain.rollout_states import Phase, RolloutState
from mlops_tui.domain.rollouts import EventKind, Rollout
from mlops_tui.operations.actions import Action, Performed, Sender, run
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full, prepare_hold, prepare_resume
from mlops_tui.operations.session import Session
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from tests.operations.company import Company
from tests.operations.rolling import WATCHED, act, churn_session, fraud_session, plan_for, start
from tests.operations.rollouts.test_drivers import INGRESS

HOUR = 3600.0
ARMS = WATCHED.replace("driver: flag", "driver: flag\n      flag: fraud-test\n      treatments: [a, b]")


async def after_an_hour(session: Session, action: Action) -> None:
    """Confirm an action whose preview lay open for an hour; what it says of the time until then is no time."""
    assert any("since {time_of_sending}" in str(call.body) for call in action.preview.calls)
    await session.clock.sleep(HOUR)
    await act(session, action)


async def found(session: Session, name: str = "fraud") -> Rollout:
    return (await rollout(session, name)).data


def is_now(session: Session, moment: datetime) -> bool:
    """Whether a moment that a mark tells is the present one: marks know seconds."""
    return timedelta(0) <= session.clock.now() - moment < timedelta(seconds=2)


async def test_a_step_begins_when_it_is_sent_and_not_when_it_was_previewed(company: Company) -> None:
    async with fraud_session(company) as session:
        await plan_for(company, session, WATCHED)
        project = await company.project(session)
        await after_an_hour(session, await prepare_start(session, project, "fraud", ("2.1.0",), "production"))
        record = await found(session)
        assert is_now(session, record.begun_at)
        assert is_now(session, record.progress.since)
        assert record.state is RolloutState.SOAKING
        for note in (prepare_hold, prepare_resume):
            action = await note(session, "fraud")
            await session.clock.sleep(HOUR)
            await act(session, action)
        for prepare, phase in ((prepare_advance, Phase.RUNNING), (prepare_full, Phase.PROMOTING)):
            await after_an_hour(session, await prepare(session, "fraud"))
            record = await found(session)
            assert (record.progress.phase, is_now(session, record.progress.since)) == (phase, True)
        await after_an_hour(session, await prepare_abort(session, "fraud", "second thoughts"))
        record = await found(session)
        assert (record.progress.phase, is_now(session, record.progress.since)) == (Phase.ABORTING, True)
        # Holds and their ends are dated so, too: what another terminal reads of them is their time.
        async with fraud_session(company, "developer") as elsewhere:
            seen = await found(elsewhere)
        at = {event.kind: event.at for event in seen.events}
        assert at[EventKind.HELD] - seen.begun_at >= timedelta(seconds=HOUR)
        assert at[EventKind.RESUMED] - at[EventKind.HELD] >= timedelta(seconds=HOUR)
        assert is_now(session, at[EventKind.ABORTED])
        # The journal keeps what was sent.
        intents = [entry.payload for entry in session.journal.entries() if entry.kind is EntryKind.INTENT]
        assert len(intents) == 6
        assert not [payload for payload in intents if "time_of_sending" in payload]


async def test_an_old_preview_whose_answer_was_lost_is_found_again(company: Company) -> None:
    async with fraud_session(company) as session:
        await start(company, session, WATCHED)
        action = await prepare_advance(session, "fraud")
        await session.clock.sleep(HOUR)

        async def perform(sender: Sender) -> Performed:
            await action.perform(sender)
            raise ServerFaultError("The answer was lost")

        lost = await run(session, Action(action.preview, action.read_state, perform), "fraud")
        assert lost.outcome is Outcome.UNKNOWN
        await session.clock.sleep(HOUR)
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.DONE, receipt.message


async def test_a_step_that_stopped_half_way_begins_when_it_is_finished(company: Company) -> None:
    async with fraud_session(company) as session:
        await start(company, session, ARMS, "2.1.0", "1.2.1")
        action = await prepare_advance(session, "fraud")

        async def perform(sender: Sender) -> Performed:
            await sender.send(action.preview.calls[0])
            return Performed("", outcome=Outcome.FAILED)

        await run(session, Action(action.preview, action.read_state, perform), "fraud")
        assert (await found(session)).state is RolloutState.STEPPING
        await after_an_hour(session, await prepare_advance(session, "fraud"))
        record = await found(session)
        assert (record.progress.step, record.state) == (2, RolloutState.SOAKING)
        assert is_now(session, record.progress.since)


async def test_a_rollout_kept_in_a_pipelines_name_begins_when_it_is_sent(demo_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = SandboxClock()
    with running(Settings(world=World.DEMO, data=data, legacy_clusters=True), clock) as server:
        company = Company(server, clock, tmp_path)
        async with churn_session(company) as session:
            project = await company.project(session, "acme/churn")
            await after_an_hour(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
            record = await found(session, "churn")
            assert (record.driver, session.clock.now() - record.begun_at < timedelta(seconds=10)) == ("jobs", True)
            await session.clock.sleep(30)
            await after_an_hour(session, await prepare_abort(session, "churn", "slower"))
            assert is_now(session, (await found(session, "churn")).progress.since)
            await session.clock.sleep(60)

            await plan_for(company, session, INGRESS, "acme/churn")
            await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
            await session.clock.sleep(5)
            await act(session, await prepare_advance(session, "churn"))
            await session.clock.sleep(30)
            await after_an_hour(session, await prepare_advance(session, "churn"))
            record = await found(session, "churn")
            assert (record.driver, record.progress.step, is_now(session, record.progress.since)) == ("ingress", 1, True)
