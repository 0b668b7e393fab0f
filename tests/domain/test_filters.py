from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.filter_terms import And, Expression, Not, Or
from mlops_tui.domain.filters import (
    FieldsOfRun,
    FilterError,
    TextSearch,
    fields_of,
    matches,
    parse_field,
    parse_filter,
    parse_query,
    render,
)
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run, RunStatus
from tests.domain.filter_cases import NOW, expressions, runs, sources

RUN = Run(
    id="r1",
    project=ProjectRef(1, "acme/fraud"),
    experiment_iid=3,
    experiment="trees",
    name="train-42",
    status=RunStatus.FINISHED,
    started_at=NOW - timedelta(hours=3),
    ended_at=None,
    user_id=None,
    metrics={"auc": 0.93, "loss": float("nan"), "val loss": 0.2},
    params={"lr": "1e-2", "optimizer": "adam", "seed": "nan"},
    tags={"team": "fraud risk", "mlflow.source.name": "train.py"},
)


def holds(text: str, run: Run = RUN) -> bool:
    return matches(parse_filter(text), FieldsOfRun(run), NOW)


@pytest.mark.parametrize(
    "text",
    [
        'metrics.auc > 0.9 and params.lr = 0.01 and tags.team ~ "ri"',
        "metrics.auc>0.9",
        "metrics.auc = 0.93 AND NOT metrics.auc < 0.9",
        "metrics.loss = nan",
        "metrics.auc != nan",
        "not metrics.missing > 0",
        "not metrics.loss > 0",
        "metrics.`val loss` <= 0.2",
        "params.lr != '0.01'",
        "params.lr = '1e-2'",
        "params.optimizer != 1",
        "params.optimizer > 'ada' and params.optimizer < adan",
        "params.seed = nan and params.seed = 'nan'",
        "tags.mlflow.source.name ~ \\.py$",
        "tags.team !~ ^risk",
        "name = train-42 or name = nothing",
        "experiment = trees",
        "status = finished and status != FAILED and status ~ fin",
        "age < 4h and age > 2h30m and age <= 1d",
        "started_at = 2025-06-10 and started_at >= 2025-06-10 and started_at <= 2025-06-10",
        "started_at = 2025-06-10T09:00 and started_at != 2025-06-10T09:01",
        "started_at > 2025-06-09 and started_at < 2025-06-10T11:00+01:00",
        "started_at < '2025-06-10 09:00:00.001Z'",
        "(metrics.auc > 2 or name ~ 42) and not (name ~ 43)",
        "metrics.auc > 2 and name = x or name ~ 42",
    ],
)
def test_filters_that_fit_the_run(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "metrics.missing != 1",
        "params.missing != 'x'",
        "tags.missing !~ x",
        "metrics.loss != 1",
        "metrics.loss < 1",
        "metrics.auc = nan",
        "params.lr = '0.01'",
        "params.optimizer < 1",
        "params.optimizer > 1",
        "params.seed != 1",
        "started_at > 2025-06-10",
        "started_at != 2025-06-10",
        "started_at < 2025-06-10",
        "name ~ TRAIN",
        "age > 3h",
    ],
)
def test_filters_that_do_not_fit_the_run(text: str) -> None:
    assert not holds(text)


def test_a_run_without_a_start_has_neither_start_nor_age() -> None:
    waiting = replace(RUN, name="", started_at=None)
    for text in ("age < 2h", "age >= 0s", "started_at != 2025-06-10", "started_at > 2000-01-01"):
        assert not holds(text, waiting)
    assert holds("name = ''", waiting)


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "expected a field"),
        ("metrics.auc >", 14, "expected a value"),
        ("metrics.auc >> 0.9", 14, "expected a value"),
        ("metrics.auc == 0.9", 14, "one sign"),
        ("metrics.auc 0.9", 13, "expected one of"),
        ("metric.auc > 0.9", 1, "no such field"),
        ("metrics. > 0.9", 1, "needs a name"),
        ("status.x = 1", 1, "no such field"),
        ("metrics.auc > 0.9 or", 21, "expected a field"),
        ("metrics.auc > 0.9 name = x", 19, "expected and, or"),
        ("metrics.auc > high", 15, "a number"),
        ('metrics.auc > "0.9"', 16, "a number"),
        ("metrics.auc ~ 9", 15, "no text"),
        ("(name = x", 1, "never closed"),
        ("(name = x y", 11, "closing bracket"),
        ("name = x)", 9, "expected and, or"),
        ("name = 'x", 8, "never closed"),
        ("metrics.`auc > 1", 9, "back-quotes"),
        ("name ! x", 6, "means nothing"),
        ("status = done", 10, "no such status"),
        ("status < failed", 10, "no order"),
        ("started_at > yesterday", 14, "no date"),
        ("started_at > 2025-02-30", 14, "no date"),
        ("age < 2 h", 7, "no length"),
        ("age = 2h", 7, "changes"),
        ("name ~ '('", 9, "unterminated"),
        ("name ~ '(a+)+'", 13, "repeated group"),
        ("not " * 100 + "name = x", 161, "levels"),
        ("(" * 100 + "name = x" + ")" * 100, 41, "levels"),
        ("name = x or " * 500, 1, "at most"),
    ],
)
def test_errors_say_what_and_where(text: str, column: int, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.column == column
    assert reason in str(caught.value)
    assert f"column {column}" in str(caught.value)
    line, caret = caught.value.excerpt.split("\n")
    assert caret == " " * (column - 1) + "^"
    assert len(line) >= column - 1


@given(expressions)
def test_reading_what_was_written_gives_the_same_filter(expression: Expression) -> None:
    assert parse_filter(render(expression)) == expression


@given(sources)
def test_a_term_reads_the_same_after_rendering(source: str) -> None:
    once = render(parse_filter(source))
    assert render(parse_filter(once)) == once


@given(expressions, expressions, runs)
def test_not_and_or_follow_the_laws_of_logic(left: Expression, right: Expression, run: Run) -> None:
    def value(expression: Expression) -> bool:
        return matches(expression, FieldsOfRun(run), NOW)

    assert value(Not(Not(left))) is value(left)
    assert value(Not(left)) is not value(left)
    assert value(Not(And((left, right)))) is value(Or((Not(left), Not(right))))
    assert value(Not(Or((left, right)))) is value(And((Not(left), Not(right))))
    assert value(And((left, right))) is value(And((right, left)))


@given(sources, runs)
def test_a_comparison_of_something_missing_is_false(source: str, run: Run) -> None:
    bare = replace(run, started_at=None, metrics={}, params={}, tags={})
    if not source.startswith(("name", "status", "experiment")):
        assert not holds(source, bare)


FIELD_WORDS = ["metrics.auc", "params.`a`", "name", "age", "status"]
SIGN_WORDS = ["not", "and", "or", "(", ")", "=", "~", "!=", "!", "<", '"', "`"]
VALUE_WORDS = ["0.9", "nan", "2h", "2025-06-10", "'x'", "[a", "(a*)*", "\\"]
words = st.sampled_from(FIELD_WORDS + SIGN_WORDS + VALUE_WORDS)


@given(st.one_of(st.text(max_size=40), st.lists(words, max_size=10).map(" ".join)))
def test_any_text_is_read_or_refused_with_a_column_inside_it(text: str) -> None:
    for read in (parse_filter, parse_query, parse_field):
        refusal = None
        try:
            read(text)
        except FilterError as error:
            refusal = error
        if refusal is not None:
            assert 1 <= refusal.column <= len(text) + 1
            assert refusal.excerpt.count("\n") == 1


def test_a_query_is_a_filter_or_a_pattern() -> None:
    assert parse_query("metrics.auc > 0.9") == parse_filter("metrics.auc > 0.9")
    assert parse_query(" not (name = x)") == parse_filter("not (name = x)")
    assert parse_query("!metrics.auc > 0.9") == Not(parse_filter("metrics.auc > 0.9"))
    assert parse_query("  ") is None
    assert parse_query("!") is None


@pytest.mark.parametrize(
    ("text", "visible", "expected"),
    [
        ("fraud", "the Fraud model", True),
        ("Fraud", "the fraud model", False),
        ("!fraud", "the Fraud model", False),
        ("! fraud", "churn", True),
        ("^train-\\d+", "train-42 FINISHED", True),
        ("name", "a name", True),
        ("not done", "not done", True),
    ],
)
def test_a_pattern_searches_what_is_visible(text: str, visible: str, expected: bool) -> None:
    query = parse_query(text)
    assert isinstance(query, TextSearch)
    assert query.holds(visible) is expected


def test_errors_in_a_query_point_into_what_was_typed() -> None:
    for text, column in (("  !metrics.auc > x", 18), (" fraud(", 7), ("name =", 7)):
        with pytest.raises(FilterError) as caught:
            parse_query(text)
        assert caught.value.column == column


def test_fields_for_sorting() -> None:
    assert str(parse_field("metrics.val.auc")) == "metrics.val.auc"
    assert str(parse_field("metrics.`val auc`")) == "metrics.`val auc`"
    for text in ("", "auc", "metrics", "name age", "'name'"):
        with pytest.raises(FilterError):
            parse_field(text)


def test_a_filter_names_the_fields_it_asks_about() -> None:
    text = 'not (metrics.auc > 1 or tags.team ~ "x") and params.lr = 1 and age < 1d and started_at > 2025-06-10'
    names = [str(field) for field in fields_of(parse_filter(text))]
    assert names == ["metrics.auc", "tags.team", "params.lr", "age", "started_at"]


def test_moments_are_as_precise_as_they_are_written() -> None:
    run = replace(RUN, started_at=datetime(2025, 6, 10, 9, 0, 30, 500_000, tzinfo=UTC))
    for text in ("2025-06-10", "2025-06-10T09:00", "2025-06-10T09:00:30", "2025-06-10T09:00:30.5"):
        assert holds(f"started_at = {text}", run)
        assert not holds(f"started_at < {text}", run)
        assert not holds(f"started_at > {text}", run)
    assert not holds("started_at = 2025-06-10T09:00:30.501", run)
