"""What happened to a rollout, of which GitLab tells a part and each machine's journal another."""

from __future__ import annotations

from mlops_tui.domain.rollouts import EventKind, Rollout
from mlops_tui.gitlab.feature_flags import change_flag_call, list_flags
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_hold, prepare_resume
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.rolling import act, fraud_session, start

ACTS = {EventKind.STARTED, EventKind.STEPPED, EventKind.HELD, EventKind.RESUMED}


async def without_trail(company: Company, session: Session) -> None:
    """Write the mark as it was written before there were trails."""
    project = (await company.project(session)).ref
    listing = await list_flags(session.transport, project)
    flag = next((flag for flag in listing.flags if flag.name == "fraud-canary"), None)
    assert flag is not None
    text, trail, _ = flag.description.rpartition(" trail ")
    assert trail
    await session.transport.send(change_flag_call(project, flag.name, f"{text}]", (), "as it was before"))


def shares(record: Rollout) -> list[float]:
    return [point.weights.get("canary", 0.0) for point in record.weights]


def acts(record: Rollout) -> list[tuple[EventKind, str]]:
    return [(event.kind, event.by) for event in record.events if event.kind in ACTS]


async def test_the_journal_tells_what_the_mark_does_not(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session)
        await session.clock.sleep(30)
        await act(session, await prepare_advance(session, record.id))
        await without_trail(company, session)
        here = (await rollout(session, record.id)).data
        assert shares(here) == [0.0, 5.0, 25.0]
        assert acts(here) == [(EventKind.STARTED, "mona"), (EventKind.STEPPED, "mona")]
    async with fraud_session(company, "developer") as elsewhere:
        there = (await rollout(elsewhere, record.id)).data
        assert shares(there) == [0.0, 25.0]
        assert acts(there) == [(EventKind.STARTED, ""), (EventKind.STEPPED, "")]


async def held_for_a_while(session: Session, record: Rollout) -> None:
    await session.clock.sleep(30)
    await act(session, await prepare_hold(session, record.id, "lunch"))
    await session.clock.sleep(30)
    await act(session, await prepare_resume(session, record.id))


async def test_each_act_is_told_once_by_whoever_knows_most_of_it(company: Company) -> None:
    kinds = [EventKind.STARTED, EventKind.HELD, EventKind.RESUMED, EventKind.HELD, EventKind.RESUMED]
    async with fraud_session(company) as one:
        record = await start(company, one)
        await held_for_a_while(one, record)
        async with fraud_session(company, "developer") as two:
            await held_for_a_while(two, record)
            told = acts((await rollout(two, record.id)).data)
        assert told == list(zip(kinds, ["", "", "", "dev", "dev"], strict=True))
        told = acts((await rollout(one, record.id)).data)
        assert told == list(zip(kinds, ["mona", "mona", "mona", "", ""], strict=True))
