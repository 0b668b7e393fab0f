"""What one can ask about runs, over HTTP."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mlops_tui.domain.errors import NotFoundError, UsageError
from mlops_tui.domain.filters import Field, FieldKind, parse_filter
from mlops_tui.operations.metrics import CurveFeed
from mlops_tui.operations.runs import (
    compared_runs,
    find_run,
    history,
    list_runs,
    selected,
    show_run,
    unknown_fields,
)
from tests.operations.training import AUC, LOSS, Training, make_nan, moment, own_training, training
from tests.sandbox.tracking import Tracking

__all__ = ["own_training", "training"]

AUC_FIELD = Field(FieldKind.METRIC, "auc")


async def test_rows_are_filtered_and_sorted_where_they_are(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        columns = (await list_runs(session)).data
        wanted = parse_filter("params.lr = 0.01 or experiment = churn")
        rows = selected(session, columns, wanted, AUC_FIELD, descending=True)
    assert [columns.row(row).name for row in rows] == ["xgb-large", "xgb-deep", "logit"]
    assert unknown_fields(columns, [AUC_FIELD, Field(FieldKind.PARAM, "rl"), Field(FieldKind.AGE)]) == (
        Field(FieldKind.PARAM, "rl"),
    )


async def test_a_run_brings_what_belongs_to_it(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        detail = (await show_run(session, training.runs["xgb-large"])).data
    assert detail.run.experiment == "fraud-xgb"
    assert detail.job is not None
    assert detail.commit is not None
    assert (detail.job.id, detail.commit.sha) == (training.job_id, training.sha)
    assert [item.path for item in detail.artifacts] == ["card.md", "data/log.txt", "model/weights.bin"]
    assert detail.missing == ()


async def test_a_run_of_no_project_is_not_found(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        with pytest.raises(NotFoundError, match="none of the projects"):
            await find_run(session, "nope")


async def test_a_history_keeps_nan_as_nan(own_training: Training, tmp_path: Path) -> None:
    run_id = own_training.runs["xgb-large"]
    make_nan(own_training.server, run_id, "loss", 3)
    async with own_training.company(tmp_path).session() as session:
        read = (await history(session, await find_run(session, run_id), "loss")).data
    values = [point.value for point in read.points]
    assert math.isnan(values[3])
    assert values[:3] + values[4:] == [*LOSS[:3], *LOSS[4:]]


async def test_runs_are_compared_in_the_order_asked_for(training: Training, tmp_path: Path) -> None:
    small, large = training.runs["xgb-small"], training.runs["xgb-large"]
    async with training.company(tmp_path).session() as session:
        compared = (await compared_runs(session, [small, large, small], baseline=large)).data
        assert [run.name for run in compared.runs] == ["xgb-small", "xgb-large"]
        assert (compared.baseline_id, compared.is_live, compared.comparison.same_params) == (large, False, 1)
        with pytest.raises(UsageError):
            await compared_runs(session, [small, small])


async def test_curves_of_runs_that_ended_are_read_once(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    ids = [own_training.runs[name] for name in ("xgb-large", "xgb-now", "logit")]
    async with own_training.company(tmp_path).session() as session:
        feed = CurveFeed(session, ids)
        first = (await feed.read()).data
        assert first.metric == "auc"
        assert [len(item.points) for item in first.histories] == [len(AUC), 3, 0]
        http.post("runs/log-metric", run_id=ids[1], key="auc", value=0.95, timestamp=moment(0), step=3)
        http.post("runs/log-metric", run_id=ids[0], key="auc", value=0.1, timestamp=moment(0), step=99)
        second = (await feed.read("auc")).data
        assert [len(item.points) for item in second.histories] == [len(AUC), 4, 0]
        assert second.metrics == ("auc", "loss", "accuracy")


async def test_a_run_that_is_gone_is_left_out_of_the_plot_and_named(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        snapshot = await CurveFeed(session, [training.runs["logit"], "gone"]).read()
    assert [run.name for run in snapshot.data.runs] == ["logit"]
    assert isinstance(snapshot.error, NotFoundError)
