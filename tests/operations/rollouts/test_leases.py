"""The lease under every order of requests, lost watchers and passing time: two never hold it at once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mlops_tui.domain.api_calls import ApiAnswer, ApiCall, Method
from mlops_tui.domain.errors import InvalidRequestError, NotFoundError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.rollout_leases import lease_name, lease_text
from mlops_tui.gitlab.feature_flags import create_flag_call, list_flags
from mlops_tui.gitlab.messages import Answer
from mlops_tui.operations.rollouts.leases import LASTS, LeaseKeeper, LeaseLostError, NoLeaseError
from mlops_tui.operations.session import Session
from tests.clocks import ManualClock
from tests.operations.company import Company
from tests.operations.rolling import start

ROLLOUT = "3f2a90c1"
PROJECT = ProjectRef(7, "acme/fraud")


@dataclass
class Flags:
    """A GitLab that knows flags alone; each request waits until the schedule lets it through."""

    now: datetime = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    flags: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[str, asyncio.Future[None]]] = field(default_factory=list)

    async def turn(self, who: str) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((who, future))
        await future

    def answer(self, body: Any, status: int = 200) -> Answer:
        headers = {"date": format_datetime(self.now.replace(microsecond=0), usegmt=True)}
        return Answer(status, headers, json.dumps(body).encode(), url="", what="ask")


@dataclass
class Line:
    """One watcher's connection."""

    server: Flags
    who: str

    async def get(self, path: str, _parameters: Any = None, *, what: str = "") -> Answer:
        await self.server.turn(self.who)
        name = unquote(path.rsplit("/", 1)[-1])
        if name == "feature_flags":
            return self.server.answer([_flag(*item) for item in sorted(self.server.flags.items())])
        if name not in self.server.flags:
            raise NotFoundError("no such flag", status=404)
        return self.server.answer(_flag(name, self.server.flags[name]))

    async def send(self, call: ApiCall) -> ApiAnswer:
        await self.server.turn(self.who)
        body = call.body or {}
        name = str(body.get("name") or unquote(call.path.rsplit("/", 1)[-1]))
        match call.method:
            case Method.POST:
                if name in self.server.flags:
                    raise InvalidRequestError("refused", why="Name has already been taken", status=400)
                self.server.flags[name] = str(body["description"])
            case Method.PUT:
                if name not in self.server.flags:
                    raise NotFoundError("no such flag", status=404)
                self.server.flags[name] = str(body["description"])
            case _:
                if self.server.flags.pop(name, None) is None:
                    raise NotFoundError("no such flag", status=404)
        return ApiAnswer(call, "", 200, "")


def _flag(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "description": description, "active": True, "strategies": []}


class Silence:
    """A journal that keeps nothing, without a thread: the schedule alone decides what happens when."""

    async def append(self, _draft: object) -> None:
        return


@dataclass
class Watching:
    """Watchers that come, keep the lease, act under it and are lost, in an order that is drawn."""

    server: Flags
    acts: list[tuple[int, str]] = field(default_factory=list)
    _made: int = 0

    def begin(self) -> asyncio.Task[None]:
        self._made += 1
        who = f"watcher {self._made}"
        session = SimpleNamespace(
            transport=Line(self.server, who),
            clock=ManualClock(),
            journal=Silence(),
            context=SimpleNamespace(is_read_only=False),
        )
        return asyncio.create_task(self._watch(LeaseKeeper(cast(Session, session), PROJECT, ROLLOUT, who)))

    async def _watch(self, keeper: LeaseKeeper) -> None:
        for _ in range(4):
            try:
                if await keeper.keep():
                    number = keeper.held
                    await keeper.require()
                    # Nothing was let through since the look for the next number: this is the moment of the write.
                    assert number is not None
                    self.acts.append((number, keeper.holder))
            except (LeaseLostError, NotFoundError):
                continue


# A schedule that breaks the rule is as good as the shortest one, and looking for that takes minutes.
@settings(max_examples=60, phases=(Phase.reuse, Phase.generate))
@given(st.data())
def test_who_acts_holds_the_highest_number_and_no_two_have_the_same(data: st.DataObject) -> None:
    async def play() -> None:
        server = Flags()
        watching = Watching(server)
        tasks = [watching.begin() for _ in range(3)]
        for _ in range(120):
            for _ in range(6):
                await asyncio.sleep(0)
            server.waiting = [item for item in server.waiting if not item[1].done()]
            if not server.waiting:
                break
            choice = data.draw(st.integers(0, len(server.waiting) + 1))
            if choice < len(server.waiting):
                server.waiting[choice][1].set_result(None)
            elif choice == len(server.waiting):
                server.now += timedelta(seconds=data.draw(st.sampled_from([1, 30, 60, 100])))
            elif len(tasks) < 6:
                tasks[data.draw(st.integers(0, len(tasks) - 1))].cancel()
                tasks.append(watching.begin())
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError), result
        numbers = [number for number, _ in watching.acts]
        assert numbers == sorted(numbers), "somebody acted after another had taken over"
        assert len(set(numbers)) == len(set(watching.acts)), "two acted under one number"

    asyncio.run(play())


async def test_the_lease_at_gitlabs_limit_of_flags_and_without_strategies(company: Company) -> None:
    async with company.session() as session:
        record = await start(company, session)
        keeper = LeaseKeeper(session, record.project, record.id, "one")
        assert await keeper.keep()
        await keeper.require()
        other = LeaseKeeper(session, record.project, record.id, "two")
        assert not await other.keep()
        assert other.other is not None
        assert other.other.holder == "one"
        await session.clock.sleep(LASTS.total_seconds() + 1)
        with pytest.raises(LeaseLostError, match="expired"):
            await keeper.require()
        assert await other.keep()
        assert [
            flag.name for flag in (await list_flags(session.transport, record.project)).flags if "lease" in flag.name
        ]
        with pytest.raises(LeaseLostError):
            await keeper.require()
        await other.give_back()
        path = f"/api/v4/projects/{record.project.id}/feature_flags"
        for number in range(150):
            try:
                await session.transport.send(ApiCall(Method.POST, path, {"name": f"filler-{number}"}))
            except InvalidRequestError:
                break
        with pytest.raises(NoLeaseError, match="Maximum number of project feature flags"):
            await LeaseKeeper(session, record.project, record.id, "three").keep()


async def test_a_number_that_was_taken_late_gives_way_to_any_higher_one(company: Company) -> None:
    async with company.session() as session:
        record = await start(company, session)
        keeper = LeaseKeeper(session, record.project, record.id, "one")
        assert await keeper.keep()
        until = lease_text("two", datetime(2126, 3, 2, tzinfo=UTC))
        third = create_flag_call(record.project, lease_name(record.id, 3), until, (), "take the lease")
        await session.transport.send(third)
        with pytest.raises(LeaseLostError, match="taken over"):
            await keeper.require()
