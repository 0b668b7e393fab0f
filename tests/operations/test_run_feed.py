"""The table of runs: filled once, kept fresh at a constant cost, and kept on disk."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.domain.errors import NotFoundError, RemoteError, UsageError
from mlops_tui.domain.runs import RunStatus
from mlops_tui.live.snapshots import CACHED
from mlops_tui.operations.run_feed import RESYNC_AFTER, RunFeed, RunTable
from mlops_tui.operations.session import Session
from tests.clocks import ManualClock
from tests.faults.proxy import FaultProxy, json_answer
from tests.operations.training import Training, moment, own_training, training
from tests.sandbox.tracking import Tracking

__all__ = ["own_training", "training"]


def names(table: RunTable) -> set[str]:
    return {table.columns.row(index).name for index in range(len(table.columns))}


def status(table: RunTable, run_id: str) -> RunStatus:
    place = table.columns.find(run_id)
    assert place is not None
    return table.columns.row(place).status


async def wait(session: Session, length: timedelta) -> None:
    clock = session.clock
    assert isinstance(clock, ManualClock)
    await clock.advance(length.total_seconds())


async def test_filling_tells_the_table_page_by_page_and_ends_with_all(training: Training, tmp_path: Path) -> None:
    told: list[tuple[int, bool]] = []
    async with training.company(tmp_path).session() as session:
        feed = RunFeed(session, progress=lambda table: told.append((len(table.columns), table.is_complete)))
        snapshot = await feed.update()
    assert told == [(1, False), (6, False)]
    assert (len(snapshot.data.columns), snapshot.data.is_complete, feed.read) == (6, True, None)
    assert [item.name for item in snapshot.data.experiments] == ["churn", "fraud-xgb"]


async def test_one_experiment_alone_is_read_by_name_or_number(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        by_name = await RunFeed(session, "churn").update()
        number = str(by_name.data.experiments[0].iid)
        assert names(by_name.data) == names((await RunFeed(session, number).update()).data) == {"logit"}
        with pytest.raises(UsageError, match="there are churn, fraud-xgb"):
            await RunFeed(session, "fraud").update()


async def test_what_is_new_and_what_changed_on_the_screen_is_found(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    running = own_training.runs["xgb-now"]
    async with own_training.company(tmp_path).session() as session:
        feed = RunFeed(session)
        await feed.update()
        http.post("runs/update", run_id=running, status="FINISHED", end_time=moment(0))
        http.run(http.experiment(), run_name="newest", start_time=moment(0))
        table = (await feed.update([running])).data
    assert "newest" in names(table)
    assert status(table, running) is RunStatus.FINISHED


async def test_nothing_new_leaves_the_very_same_table(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        feed = RunFeed(session)
        await feed.update()
        first = (await feed.update()).data
        assert (await feed.update()).data is first


@pytest.mark.serial
async def test_a_renewal_costs_the_same_however_many_runs_there_are(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    with FaultProxy(own_training.server.url) as proxy:

        async def cost() -> int:
            async with own_training.company(tmp_path / "x").session(url=proxy.url) as session:
                feed = RunFeed(session)
                await feed.update()
                before = len(proxy.requests)
                await feed.update([own_training.runs["xgb-now"], own_training.runs["xgb-large"]])
                return len(proxy.requests) - before

        few = await cost()
        fraud = next(item for item in http.get("experiments/list").json()["experiments"] if item["name"] == "fraud-xgb")
        for number in range(60):
            http.run(fraud["experiment_id"], run_name=f"more-{number}", start_time=moment(1))
        # The run that still runs is no longer among the newest, so it is asked for by itself.
        assert await cost() == few + 1


async def test_more_new_runs_than_a_page_are_all_found(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    async with own_training.company(tmp_path).session() as session:
        feed = RunFeed(session)
        await feed.update()
        experiment = next(str(item.iid) for item in feed.table.experiments if item.name == "churn")
        for number in range(120):
            http.run(experiment, run_name=f"more-{number}", start_time=moment(1))
        table = (await feed.update()).data
    assert len(table.columns) == 126


async def test_a_deleted_run_goes_when_everything_is_read_anew(own_training: Training, tmp_path: Path) -> None:
    async with own_training.company(tmp_path).session() as session:
        feed = RunFeed(session)
        await feed.update()
        Tracking(own_training.server).post("runs/delete", run_id=own_training.runs["xgb-small"])
        assert "xgb-small" in names((await feed.update()).data)
        feed.resync()
        assert "xgb-small" not in names((await feed.update()).data)
        Tracking(own_training.server).post("runs/delete", run_id=own_training.runs["xgb-deep"])
        await wait(session, RESYNC_AFTER + timedelta(seconds=1))
        assert "xgb-deep" not in names((await feed.update()).data)


async def test_a_caller_that_leaves_does_not_stop_the_filling(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        feed = RunFeed(session)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(feed.update(), 0)
        assert len((await feed.update()).data.columns) == 6


async def test_the_table_is_kept_on_disk_and_renewed_from_there(training: Training, tmp_path: Path) -> None:
    company = training.company(tmp_path)
    async with company.session() as session:
        feed = RunFeed(session)
        assert await feed.store(await feed.update())
    async with company.session(url="http://127.0.0.1:9") as session:
        feed = RunFeed(session)
        kept = feed.load()
        assert kept is not None
        assert (names(kept.data), kept.source) == (names(feed.table), CACHED)
        assert len(kept.data.columns) == 6
        with pytest.raises(RemoteError):
            await feed.update()
        assert len(feed.table.columns) == 6


async def test_an_unfinished_table_is_not_kept(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        feed = RunFeed(session)
        newest = await feed.newest(2)
        assert names(newest.data) == {"xgb-now", "xgb-broken", "logit"}
        assert not await feed.store(newest)
        assert feed.load() is None


async def test_a_token_that_only_reads_gets_the_runs_without_their_times(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session("reporter") as session:
        table = (await RunFeed(session).update()).data
    place = table.columns.find(training.runs["xgb-large"])
    assert place is not None
    row = table.columns.row(place)
    assert (row.metric("auc"), row.param("lr"), row.started_at) == (0.9275, "0.01", None)


@pytest.mark.serial
async def test_a_filling_that_is_cut_off_keeps_what_it_read_and_says_why(training: Training, tmp_path: Path) -> None:
    with FaultProxy(training.server.url) as proxy:
        faults = [json_answer(404, "{}")]

        def cut_off(_: RunTable) -> None:
            if faults:
                proxy.play(faults.pop(), path="*runs/search*")

        async with training.company(tmp_path).session(url=proxy.url) as session:
            feed = RunFeed(session, progress=cut_off)
            snapshot = await feed.update()
            assert isinstance(snapshot.error, NotFoundError)
            assert (names(snapshot.data), snapshot.data.is_complete) == ({"logit"}, False)
            proxy.clear()
            assert (await feed.update()).data.is_complete
