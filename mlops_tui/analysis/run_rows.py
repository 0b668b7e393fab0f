"""One run of a table of columns, looked up as its parts are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlops_tui.analysis.sparse_columns import number_at
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.filters import FieldKind
from mlops_tui.domain.runs import Run, RunStatus

if TYPE_CHECKING:
    from mlops_tui.analysis.run_columns import RunColumns


STATUSES = tuple(RunStatus)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A view of one row; nothing is copied until it is asked for. Answers filters like any other run."""

    columns: RunColumns
    index: int

    @property
    def id(self) -> str:
        """MLflow's run id."""
        return self.columns.ids[self.index]

    @property
    def name(self) -> str:
        """The run's name, empty when it has none."""
        return self.columns.name_vocabulary.terms[int(self.columns.names[self.index])]

    @property
    def status(self) -> RunStatus:
        """The state it was last seen in."""
        return STATUSES[int(self.columns.statuses[self.index])]

    @property
    def experiment(self) -> Experiment:
        """The experiment it belongs to, and with it the project."""
        return self.columns.experiments[int(self.columns.sources[self.index])]

    @property
    def started_at(self) -> datetime | None:
        """When it began, in UTC."""
        return _moment(float(self.columns.starts[self.index]))

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, in UTC."""
        return _moment(float(self.columns.ends[self.index]))

    def metric(self, name: str) -> float | None:
        """The value logged last under this name, or None."""
        column = self.columns.metrics.get(name)
        return None if column is None else number_at(column, self.index)

    def param(self, name: str) -> str | None:
        """The parameter of this name, or None."""
        column = self.columns.params.get(name)
        return None if column is None else column.text(self.index)

    def tag(self, name: str) -> str | None:
        """The tag of this name, or None; long ones are cut (``TERM_LIMIT``)."""
        column = self.columns.tags.get(name)
        return None if column is None else column.text(self.index)

    def attribute(self, kind: FieldKind) -> str | None:
        """The name, the status or the experiment."""
        match kind:
            case FieldKind.NAME:
                return self.name
            case FieldKind.STATUS:
                return self.status.value
            case FieldKind.EXPERIMENT:
                return self.experiment.name
            case _:
                return None

    def to_run(self) -> Run:
        """The whole run as a record of its own."""
        user = int(self.columns.users[self.index])
        metrics = {name: value for name in self.columns.metrics if (value := self.metric(name)) is not None}
        return Run(
            id=self.id,
            project=self.experiment.project,
            experiment_iid=self.experiment.iid,
            experiment=self.experiment.name,
            name=self.name,
            status=self.status,
            started_at=self.started_at,
            ended_at=self.ended_at,
            user_id=None if user < 0 else user,
            metrics=metrics,
            params={name: text for name in self.columns.params if (text := self.param(name)) is not None},
            tags={name: text for name in self.columns.tags if (text := self.tag(name)) is not None},
        )


def _moment(seconds: float) -> datetime | None:
    return None if math.isnan(seconds) else datetime.fromtimestamp(seconds, UTC)
