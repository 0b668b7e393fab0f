"""What a look at a rollout costs: the traces are asked for what is new, and for nothing once the rollout is over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.domain.trace_queries import WindowQuery
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.judging import evidence_file
from mlops_tui.operations.rollouts.listing import renewed, rollout, rollouts
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.rolling import WATCHED, WIDTH, Traffic, act, fraud_session, start


@dataclass
class Asked:
    """From when on the traces were asked, query by query."""

    since: list[datetime] = field(default_factory=list)

    def take(self) -> list[datetime]:
        taken, self.since = self.since, []
        return taken


class Counting:
    """The traces of a session, with a note of each query of windows."""

    def __init__(self, traces: Any, asked: Asked) -> None:
        self._traces, self._asked = traces, asked

    async def traffic(self, query: WindowQuery) -> Any:
        self._note(query)
        return await self._traces.traffic(query)

    async def windows(self, query: WindowQuery) -> Any:
        self._note(query)
        return await self._traces.windows(query)

    def _note(self, query: WindowQuery) -> None:
        self._asked.since.append(datetime.fromtimestamp(query.times.start_ns / 1_000_000_000, UTC))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found, traces = Asked(), Session.traces

    async def counted(session: Session) -> Any:
        return Counting(await traces(session), found)

    monkeypatch.setattr(Session, "traces", counted)
    return found


async def test_a_look_reads_the_windows_that_have_closed_since_the_last_one(company: Company, asked: Asked) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        await traffic.flow(6)
        asked.take()
        first = (await rollout(session, record.id)).data
        assert {*asked.take()} == {record.begun_at}
        # Of the six windows the last has only just ended, and is not closed yet.
        closed = record.begun_at + timedelta(seconds=5 * WIDTH)
        assert [point.start for point in first.traffic][-1] == closed - timedelta(seconds=WIDTH)
        await traffic.flow(2)
        second = (await renewed(session, first)).data
        assert {*asked.take()} == {closed}
        assert [point.spans for point in second.traffic] == [{"stable": 60, "canary": 60}] * 7
        assert second.needs is not None
        assert second.needs.samples == {"stable": 420, "canary": 420}
        assert second.judgement is not None
        assert second.judgement.guardrails[0].n == {"stable": 420, "canary": 420}


async def test_what_was_read_twice_at_once_counts_once(company: Company) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        await traffic.flow(6)
        looks = [rollout(session, record.id), rollout(session, record.id), rollouts(session)]
        await asyncio.gather(*looks)
        found = (await rollout(session, record.id)).data
        assert {arm.name: arm.samples for arm in found.arms} == {"stable": 300, "canary": 300}


async def test_the_page_of_a_rollout_that_is_over_is_measured_once(company: Company, asked: Asked) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        await traffic.flow(10, faults=0.5)
        await act(session, await prepare_abort(session, record.id, "it fails"))
        early = (await rollout(session, record.id)).data
        assert {arm.name: arm.samples for arm in early.arms} == {"stable": 600, "canary": 600}
        await traffic.flow(2)
        asked.take()
        page = (await rollout(session, record.id)).data
        assert (page.state, page.verdict) == (RolloutState.ROLLED_BACK, Verdict.BREACH)
        assert {arm.name: arm.samples for arm in page.arms} == {"stable": 600, "canary": 600}
        # The last window had only just ended, so that something could still have come to it.
        assert {*asked.take()} == {record.begun_at + timedelta(seconds=9 * WIDTH)}
        again = (await renewed(session, page)).data
        await rollouts(session)
        assert asked.take() == []
        assert (again.traffic, again.judgement, again.arms) == (page.traffic, page.judgement, page.arms)


async def test_the_evidence_is_read_from_where_the_last_look_left_it(company: Company) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        await traffic.flow(6)
        before = (await rollout(session, record.id)).data
        file = evidence_file(session, record)
        text = file.path.read_text()
        # Were it read again from its beginning, nothing would be found in it, and everything be kept twice.
        file.path.write_text("#" * (len(text) - 1) + "\n")
        await traffic.flow(2)
        after = (await renewed(session, before)).data
        assert before.judgement is not None
        assert after.judgement is not None
        assert after.judgement.guardrails[0].n == {"stable": 420, "canary": 420}
        assert file.path.read_text().count('"errors"') == 2 * 2
