import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.analysis.run_updates import updated
from mlops_tui.domain.errors import UnreadableAnswerError
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.filters import (
    Expression,
    FieldKind,
    FieldsOfRun,
    TextSearch,
    matches,
    parse_field,
    parse_filter,
    parse_query,
)
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run, RunStatus
from tests.analysis.run_rows import TREES, columns_of, numbered, row_of
from tests.domain.filter_cases import COMPARATORS, NOW, NUMBERS, TEXTS, expressions, quoted, runs

tables = st.lists(runs, max_size=12).map(numbered)
fields = st.sampled_from(
    ["metrics.auc", "metrics.none", "params.lr", "tags.team", "name", "status", "experiment", "started_at", "age"]
).map(parse_field)


def run(number: int, **changes: Any) -> Run:
    made = Run(id=f"run-{number}", project=TREES.project, experiment_iid=TREES.iid, experiment=TREES.name,
               name=f"train-{number}", status=RunStatus.FINISHED, started_at=NOW - timedelta(hours=number),
               ended_at=None, user_id=None)  # fmt: skip
    return replace(made, **changes)


def same(left: Run, right: Run) -> bool:
    """Equality in which NaN equals NaN."""
    return repr(sorted(left.metrics.items())) == repr(sorted(right.metrics.items())) and (
        replace(left, metrics={}) == replace(right, metrics={})
    )


@given(tables, st.integers(1, 5))
def test_what_went_in_comes_out(table: list[Run], page: int) -> None:
    columns = columns_of(table, page)
    assert len(columns) == len(table)
    for index, original in enumerate(table):
        assert columns.find(original.id) == index
        assert same(columns.row(index).to_run(), original)
    assert columns.find("nobody") is None


@given(tables, expressions)
@settings(max_examples=300)
def test_columns_and_single_runs_fit_the_same_filters(table: list[Run], expression: Expression) -> None:
    fitting = [index for index, one in enumerate(table) if matches(expression, FieldsOfRun(one), NOW)]
    columns = columns_of(table)
    assert columns.filter(expression, NOW).tolist() == fitting
    assert [index for index in range(len(table)) if matches(expression, columns.row(index), NOW)] == fitting


def agree(table: list[Run], sources: list[str]) -> None:
    columns = columns_of(table)
    for source in sources:
        expression = parse_filter(source)
        fitting = [index for index, one in enumerate(table) if matches(expression, FieldsOfRun(one), NOW)]
        assert columns.filter(expression, NOW).tolist() == fitting, source


def test_every_kind_of_number_compares_alike_in_columns_and_single_runs() -> None:
    table = [run(0), *(run(number, metrics={"auc": value}) for number, value in enumerate(NUMBERS, start=1))]
    literals = ["0", "-3", "0.5", "nan", "inf", "-inf"]
    agree(table, [f"metrics.auc {sign} {literal}" for sign in COMPARATORS for literal in literals])


def test_every_kind_of_text_compares_alike_in_columns_and_single_runs() -> None:
    table = [run(0), *(run(number, params={"lr": text}) for number, text in enumerate(TEXTS, start=1))]
    literals = ["0.5", "1", "nan", *map(quoted, TEXTS)]
    agree(table, [f"params.lr {sign} {literal}" for sign in (*COMPARATORS, "~", "!~") for literal in literals])


def cell(row: Any, kind: FieldKind, name: str) -> Any:
    match kind:
        case FieldKind.METRIC:
            return row.metric(name)
        case FieldKind.PARAM:
            return row.param(name)
        case FieldKind.TAG:
            return row.tag(name)
        case FieldKind.STARTED_AT:
            return row.started_at and row.started_at.timestamp()
        case FieldKind.AGE:
            return row.started_at and -row.started_at.timestamp()
        case _:
            return row.attribute(kind)


def sort_class(value: Any) -> tuple[int, Any]:
    """Numbers, then texts, then NaN, then what is missing."""
    if isinstance(value, str):
        readable = value in {"0.5", "5e-1", "1", "nan"}
        if not readable:
            return (1, value)
        value = float(value)
    if value is None:
        return (3, 0)
    return (2, 0) if math.isnan(value) else (0, value)


@given(tables, fields, st.booleans())
def test_sorting_is_stable_with_nan_and_missing_last(table: list[Run], field: Any, descending: bool) -> None:
    columns = columns_of(table)
    cells = [sort_class(cell(columns.row(index), field.kind, field.name)) for index in range(len(table))]
    known = [index for index in range(len(table)) if cells[index][0] < 2]
    known.sort(key=lambda index: cells[index], reverse=descending)
    rest = sorted((index for index in range(len(table)) if cells[index][0] >= 2), key=lambda index: cells[index])
    assert columns.sort(field, descending=descending).tolist() == known + rest


def test_sorting_some_rows_sorts_only_those() -> None:
    columns = columns_of([run(number, metrics={"auc": number % 3}) for number in range(6)])
    rows = columns.filter(parse_filter("metrics.auc > 0"), NOW)
    assert columns.sort(parse_field("metrics.auc"), descending=True, rows=rows).tolist() == [2, 5, 1, 4]


@given(tables, st.lists(runs, max_size=6), st.data())
def test_an_updated_table_equals_one_read_afresh(table: list[Run], others: list[Run], data: st.DataObject) -> None:
    columns = columns_of(table)
    fresh = [replace(one, id=f"new-{number}") for number, one in enumerate(others)]
    renewed = data.draw(st.lists(st.tuples(st.sampled_from(table), runs), max_size=4)) if table else []
    changed = {old.id: replace(new, id=old.id) for old, new in renewed}
    after = updated(columns, [row_of(one) for one in (*fresh, *changed.values())], TREES)
    expected = fresh + [changed.get(one.id, one) for one in table]
    shown = [after.row(index).to_run() for index in after.order()]
    assert len(shown) == len(expected)
    assert all(same(one, other) for one, other in zip(shown, expected, strict=True))
    assert [columns.row(index).to_run().id for index in columns.order()] == [one.id for one in table]


def test_updates_can_follow_each_other() -> None:
    columns = columns_of([run(1), run(2)])
    for number in (3, 4):
        columns = updated(columns, [row_of(run(number))], TREES)
    columns = updated(columns, [row_of(run(1, status=RunStatus.FAILED))], TREES)
    assert [columns.row(index).id for index in columns.order()] == ["run-4", "run-3", "run-1", "run-2"]
    found = columns.find("run-1")
    assert found is not None
    assert columns.row(found).status is RunStatus.FAILED
    assert columns.filter(parse_filter("status = failed"), NOW).tolist() == [found]


def test_refreshing_a_run_over_and_over_takes_no_more_room() -> None:
    columns = columns_of([run(1)])
    for value in range(50):
        columns = updated(columns, [row_of(run(1, metrics={"auc": value}))], TREES)
    assert len(columns.name_vocabulary) == 1


def test_a_table_does_not_change_while_more_pages_come() -> None:
    builder = RunColumnsBuilder()
    builder.append_page([row_of(run(1, metrics={"auc": 0.5}, params={"lr": "1"}))], TREES)
    early = builder.build()
    builder.append_page([row_of(run(2, metrics={"auc": 0.7}, params={"lr": "2"}))], TREES)
    late = builder.build()
    assert (len(early), len(late), len(builder)) == (1, 2, 2)
    assert early.find("run-2") is None
    assert early.filter(parse_filter("metrics.auc > 0"), NOW).tolist() == [0]
    assert late.sort(parse_field("params.lr"), descending=True).tolist() == [1, 0]
    assert updated(early, [row_of(run(3))], TREES).find("run-2") is None


def test_runs_of_several_experiments_and_repeated_rows() -> None:
    linear = Experiment(ProjectRef(2, "acme/churn"), 1, "linear")
    builder = RunColumnsBuilder()
    builder.append_page([row_of(run(1)), row_of(run(1, name="again"))], TREES)
    builder.append_page([row_of(run(1, name="later")), row_of(run(2))], linear)
    columns = builder.build()
    assert [columns.row(index).name for index in range(len(columns))] == ["again", "train-2"]
    assert columns.row(1).to_run().project.path == "acme/churn"
    assert columns.filter(parse_filter("experiment = linear"), NOW).tolist() == [1]
    assert len(builder) == 2


def test_remote_text_is_safe_and_odd_numbers_are_read() -> None:
    odd = {
        "info": {"run_id": "a\x1b[2J", "run_name": "\x1b]0;x\x07name\u202e", "status": "paused", "start_time": 10**17},
        "data": {
            "metrics": [{"key": "a\x07uc", "value": None}, {"key": "loss", "value": 1}, {"key": "f1", "value": "NaN"}],
            "params": [{"key": "x", "value": "\x9b2J" + "y" * 900}],
        },
    }
    builder = RunColumnsBuilder()
    builder.append_page([odd], TREES)
    row = builder.build().row(0)
    assert (row.id, row.name, row.status, row.started_at, row.tag("none")) == (
        "a",
        "name",
        RunStatus.UNKNOWN,
        None,
        None,
    )
    assert math.isnan(row.metric("auc") or 0)
    assert row.metric("loss") == 1
    assert (row.param("x") or "").startswith("yyy")
    assert len(row.param("x") or "") == 255


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"info": {}},
        {"info": {"run_id": 5}},
        {"info": {"run_id": "a"}, "data": {"metrics": [{"key": "auc"}]}},
        {"info": {"run_id": "a"}, "data": {"metrics": [{"key": "auc", "value": "high"}]}},
        {"info": {"run_id": "a"}, "data": {"metrics": [{"key": "auc", "value": [1]}]}},
        {"info": {"run_id": "a"}, "data": {"params": [{"key": "lr", "value": 1}]}},
        {"info": {"run_id": "a"}, "data": {"params": ["lr"]}},
        "row",
    ],
)
def test_a_row_of_another_shape_is_a_readable_error(row: Any) -> None:
    builder = RunColumnsBuilder()
    builder.append_page([row_of(run(1))], TREES)
    with pytest.raises(UnreadableAnswerError, match="trees"):
        builder.append_page([row_of(run(2, metrics={"auc": 9})), row], TREES)
    builder.append_page([row_of(run(3, metrics={"f1": 1}))], TREES)
    columns = builder.build()
    assert [columns.row(index).id for index in range(len(columns))] == ["run-1", "run-3"]
    assert (columns.row(1).name, columns.row(1).metric("f1"), columns.row(1).metric("auc")) == ("train-3", 1, None)


def search(text: str, columns: RunColumns) -> list[int]:
    query = parse_query(text)
    assert isinstance(query, TextSearch)
    shown = [parse_field(name) for name in ("name", "status", "params.lr", "metrics.auc", "started_at")]
    found: list[int] = columns.search(query, shown, "{:.2f}".format).tolist()
    return found


def test_a_pattern_is_searched_in_every_visible_cell() -> None:
    columns = columns_of([
        run(1, params={"lr": "adam"}, metrics={"auc": 0.931}),
        run(2, status=RunStatus.FAILED),
        run(3, tags={"team": "adam"}, metrics={"auc": 0.5}),
    ])  # fmt: skip
    assert search("adam", columns) == [0]
    assert search("!adam", columns) == [1, 2]
    assert search("failed|0\\.93$", columns) == [0, 1]
    assert search("^train-3$", columns) == [2]
