"""The table of runs, filled once and then kept fresh at a cost that does not grow with its length."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_columns_format import RunColumnsFormatError, dump_columns, load_columns
from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.analysis.run_updates import updated
from mlops_tui.domain.errors import MlopsError, NotAllowedError, NotFoundError, RemoteError
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.runs import PAGE_SIZE, RunRow, candidate_pages, run_pages, run_row
from mlops_tui.live.snapshots import CACHED
from mlops_tui.operations.experiments import reachable_experiments
from mlops_tui.operations.session import Session
from mlops_tui.storage.cache import CacheEntry

RESYNC_AFTER = timedelta(hours=1)
_REFRESH_PAGE = 50
_EXPERIMENTS_AT_ONCE = 8
_RUNS_AT_ONCE = 40
_CACHE_FORMAT = "run-columns-1"


@dataclass(frozen=True, slots=True)
class RunTable:
    """The runs that are known so far and the experiments that were found, those without runs included.

    ``is_complete`` once every page of every experiment was read.
    """

    columns: RunColumns
    experiments: tuple[Experiment, ...]
    is_complete: bool


class RunFeed:
    """Fills the table a page at a time, then renews only the newest runs and those on the screen that still run.

    ``table`` is what is known now and ``read`` how many runs a filling under way has read so far (None: none is under
    way). ``load`` and ``store`` keep the table in the cache on disk. What no renewal can show, such as a run that was
    deleted, is found by reading everything anew every hour, or when ``resync`` asks for it.

    Args:
        session: Where to ask.
        experiment: Only the experiment of this name or number; None for all.
        progress: Told of the table after every page of a filling.
    """

    def __init__(
        self, session: Session, experiment: str | None = None, progress: Callable[[RunTable], None] | None = None
    ) -> None:
        self._session = session
        self._experiment = experiment
        self._progress = progress
        self.table = RunTable(RunColumnsBuilder().build(), (), is_complete=False)
        self.read: int | None = None
        self._filled_at: datetime | None = None
        self._filling: asyncio.Task[MlopsError | None] | None = None
        self._digests: dict[str, int] = {}
        self._without_search: set[int] = set()
        self._turn = 0

    async def update(self, visible: Iterable[str] = (), focus: Experiment | None = None) -> Snapshot[RunTable]:
        """Fill the table, or renew it once it is full.

        ``visible`` are the ids of the runs on the screen and ``focus`` the experiment that is looked at. A caller that
        is cancelled leaves a filling under way; the next call waits for it. The snapshot's error says which project
        could not be asked, where others could.
        """
        if self._is_due():
            error = await self._filled()
        else:
            error = await self._refresh(list(visible), focus)
        snapshot = self._session.snapshot(self.table)
        return snapshot if error is None else snapshot.failed(error)

    async def newest(self, most: int) -> Snapshot[RunTable]:
        """At most the ``most`` newest runs of each experiment, for whoever wants no more; ``table`` stays as it is."""
        builder = RunColumnsBuilder()
        found = await reachable_experiments(self._session, self._experiment)
        for experiment in found.experiments:
            wanted = len(builder) + most
            async for rows in self._pages(experiment, min(most, PAGE_SIZE)):
                builder.append_page(rows[: wanted - len(builder)], experiment)
                if len(builder) >= wanted:
                    break
        snapshot = self._session.snapshot(RunTable(builder.build(), found.experiments, is_complete=False))
        return snapshot if found.error is None else snapshot.failed(found.error)

    def resync(self) -> None:
        """Read everything anew with the next ``update``."""
        self._filled_at = None

    async def close(self) -> None:
        """Give up a filling under way."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)

    def load(self) -> Snapshot[RunTable] | None:
        """Take the table that was kept on disk, or None where there is none."""
        entry = self._session.cache.get(self._session.context.name, self._cache_view, format=_CACHE_FORMAT)
        if entry is None:
            return None
        try:
            columns = load_columns(zlib.decompress(entry.body))
        except (RunColumnsFormatError, zlib.error):
            return None
        self.table, self._filled_at = RunTable(columns, columns.experiments, is_complete=True), entry.fetched_at
        return Snapshot(self.table, entry.fetched_at, CACHED)

    async def store(self, snapshot: Snapshot[RunTable]) -> bool:
        """Keep a complete table on disk; False when it is not complete or cannot be kept."""
        if not snapshot.data.is_complete:
            return False
        body = await asyncio.to_thread(_compressed, snapshot.data.columns)
        entry = CacheEntry(_CACHE_FORMAT, snapshot.fetched_at, snapshot.source, body)
        return await self._session.cache.put(self._session.context.name, self._cache_view, entry)

    @property
    def _cache_view(self) -> str:
        context = self._session.context
        return " ".join(["runs", self._experiment or "", *context.projects, *context.groups])

    def _is_due(self) -> bool:
        return self._filled_at is None or self._session.clock.now() - self._filled_at > RESYNC_AFTER

    async def _filled(self) -> MlopsError | None:
        if self._filling is None:
            self._filling = asyncio.create_task(self._fill())
            # Nobody may be waiting any more when it fails.
            self._filling.add_done_callback(lambda task: task.cancelled() or task.exception())
        filling = self._filling
        try:
            return await asyncio.shield(filling)
        except RemoteError as error:
            if not len(self.table.columns):
                raise
            return error
        finally:
            if filling.done():
                self._filling = None

    async def _fill(self) -> MlopsError | None:
        builder = RunColumnsBuilder()
        stands = self.table.is_complete
        self.read = 0
        try:
            found = await reachable_experiments(self._session, self._experiment)
            for experiment in found.experiments:
                async for rows in self._pages(experiment, PAGE_SIZE):
                    builder.append_page(rows, experiment)
                    self.read = len(builder)
                    if not stands:
                        self.table = RunTable(builder.build(), found.experiments, is_complete=False)
                    if self._progress is not None:
                        self._progress(self.table)
            self.table = RunTable(builder.build(), found.experiments, is_complete=True)
            self._filled_at = self._session.clock.now()
            self._digests.clear()
        finally:
            self.read = None
        return found.error

    async def _refresh(self, visible: Sequence[str], focus: Experiment | None) -> MlopsError | None:
        found = await reachable_experiments(self._session, self._experiment)
        asked: set[str] = set()
        for experiment in self._next(found.experiments, focus):
            async for rows in self._pages(experiment, _REFRESH_PAGE):
                ids = [str(row["info"]["run_id"]) for row in rows]
                reaches_known = any(self.table.columns.find(run_id) is not None for run_id in ids)
                self._take(rows, experiment)
                asked.update(ids)
                if reaches_known:
                    break
        await self._renew([run_id for run_id in visible if run_id not in asked])
        if self.table.experiments != found.experiments:
            self.table = replace(self.table, experiments=found.experiments)
        return found.error

    def _next(self, experiments: Sequence[Experiment], focus: Experiment | None) -> list[Experiment]:
        """The experiments to ask now: the one looked at, and the others in turn where there are many."""
        others = [experiment for experiment in experiments if experiment != focus]
        first = self._turn % len(others) if others else 0
        wanted = (others[first:] + others[:first])[:_EXPERIMENTS_AT_ONCE]
        if len(others) > _EXPERIMENTS_AT_ONCE:
            self._turn += _EXPERIMENTS_AT_ONCE
        return [experiment for experiment in experiments if experiment == focus] + wanted

    async def _renew(self, run_ids: Iterable[str]) -> None:
        columns = self.table.columns
        places = [place for run_id in run_ids if (place := columns.find(run_id)) is not None]
        live = [columns.row(place) for place in places if columns.row(place).status.is_live][:_RUNS_AT_ONCE]

        async def ask(experiment: Experiment, run_id: str) -> tuple[Experiment, RunRow] | None:
            try:
                return experiment, await run_row(self._session.transport, experiment.project, run_id)
            except NotFoundError:
                return None

        for answer in await asyncio.gather(*(ask(row.experiment, row.id) for row in live)):
            if answer is not None:
                self._take([answer[1]], answer[0])

    def _take(self, rows: Iterable[RunRow], experiment: Experiment) -> None:
        """Put the rows that read differently than last time into the table."""
        digests = {str(row["info"]["run_id"]): (hash(orjson.dumps(row)), row) for row in rows}
        changed = {run_id: item for run_id, item in digests.items() if self._digests.get(run_id) != item[0]}
        if changed:
            columns = updated(self.table.columns, [row for _, row in changed.values()], experiment)
            self.table = replace(self.table, columns=columns)
            self._digests.update((run_id, digest) for run_id, (digest, _) in changed.items())

    async def _pages(self, experiment: Experiment, size: int) -> AsyncIterator[list[RunRow]]:
        """The rows of an experiment by the search, or by GraphQL where this token may not search."""
        project = experiment.project.id
        if project not in self._without_search:
            try:
                async for rows in run_pages(self._session.transport, experiment, size):
                    yield rows
            except NotAllowedError:
                self._without_search.add(project)
            else:
                return
        async for rows in candidate_pages(self._session.transport, experiment, self._settled()):
            yield rows

    def _settled(self) -> frozenset[str]:
        """The runs that are known and have ended; none while the table is filled, which must hold them all."""
        if self.read is not None:
            return frozenset()
        columns = self.table.columns
        return frozenset(row.id for row in map(columns.row, range(len(columns))) if not row.status.is_live)


def _compressed(columns: RunColumns) -> bytes:
    compressor = zlib.compressobj(level=1)
    return b"".join([*map(compressor.compress, dump_columns(columns)), compressor.flush()])
