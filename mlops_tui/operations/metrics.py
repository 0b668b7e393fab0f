"""The histories of one metric of several runs, asked for again only while a run may still log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.analysis.comparison import Direction, direction_of
from mlops_tui.domain.errors import NotFoundError, RemoteError
from mlops_tui.domain.runs import MetricHistory, Run
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.metrics import metric_history
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.runs import find_run
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class MetricCurves:
    """One metric of several runs; a run that never logged it has a history without points.

    ``metric`` is empty when no run has logged anything.
    """

    metric: str
    runs: tuple[Run, ...]
    histories: tuple[MetricHistory, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that any of the runs logged, those that most logged first."""
        names = [name for run in self.runs for name in run.metrics]
        return tuple(sorted(set(names), key=lambda name: (-names.count(name), name)))


class CurveFeed:
    """Reads the curves of some runs; what belongs to a run that has ended is read once.

    Args:
        session: Where to ask.
        run_ids: The runs, in the order in which they are drawn.
    """

    def __init__(self, session: Session, run_ids: Sequence[str]) -> None:
        self._session = session
        self._run_ids = tuple(run_ids)
        self._runs: dict[str, Run] = {}
        self._ended: dict[tuple[str, str], MetricHistory] = {}

    async def read(self, metric: str = "") -> Snapshot[MetricCurves]:
        """The curves of ``metric``, or of the one that says most when it is empty.

        The snapshot's error says why one of several runs could not be read; it is left out.
        """
        answers = await asyncio.gather(*(self._run(run_id) for run_id in self._run_ids))
        runs = tuple(answer for answer in answers if isinstance(answer, Run))
        errors = [answer for answer in answers if isinstance(answer, RemoteError)]
        if not runs:
            raise errors[0] if errors else NotFoundError("There is no run to plot")
        chosen = metric or telling_metric(runs)
        histories = await asyncio.gather(*(self._history(run, chosen) for run in runs))
        snapshot = self._session.snapshot(MetricCurves(chosen, runs, tuple(histories)))
        return snapshot if not errors else snapshot.failed(errors[0])

    async def _run(self, run_id: str) -> Run | RemoteError:
        known = self._runs.get(run_id)
        if known is not None and not known.status.is_live:
            return known
        try:
            if known is None:
                fresh = await find_run(self._session, run_id)
            else:
                fresh = await get_run(self._session.transport, known.project, run_id)
        except NotFoundError as error:
            return error
        self._runs[run_id] = fresh
        return fresh

    async def _history(self, run: Run, metric: str) -> MetricHistory:
        kept = self._ended.get((run.id, metric))
        if kept is not None:
            return kept
        if metric not in run.metrics:
            return MetricHistory(run.id, metric, ())
        read = await metric_history(self._session.transport, run, metric)
        if not run.status.is_live:
            self._ended[run.id, metric] = read
        return read


def telling_metric(runs: Sequence[Run]) -> str:
    """The metric that most of the runs logged, one with a known direction before the others; empty without any."""
    names = [name for run in runs for name in run.metrics]
    ranked = sorted(set(names), key=lambda name: (-names.count(name), direction_of(name) is Direction.NEITHER, name))
    return ranked[0] if ranked else ""
