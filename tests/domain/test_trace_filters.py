"""Filters of traces: what they mean, where they are wrong, and that a store with them finds what they mean."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.filters import FilterError, TextSearch
from mlops_tui.domain.trace_filters import fits, parse_trace_query
from mlops_tui.domain.trace_pushdown import PushedDown, push_down
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery
from mlops_tui.domain.traces import Span, SpanStatus
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.traces import TraceStore
from tests.clocks import ManualClock
from tests.storage.trace_spans import NOON, inference

EXAMPLE = (
    'model = fraud and version = "2.1.0" and arm = canary and status = error and duration > 200ms '
    'and attributes.http.route = "/predict"'
)
SPAN = inference(
    1,
    version="2.1.0",
    arm="canary",
    took_ns=250_000_000,
    is_error=True,
    columns={
        "http.route": "/predict",
        "http.response.status_code": 500,
        "code": "0500",
        "retried": True,
        "ml.feature.amount": (1.5, 99.0),
        "ml.feature.region": "EU",
        "ml.prediction.score": 0.25,
    },
)


def means(text: str, span: Span = SPAN, now_ns: int = NOON) -> bool:
    wanted = parse_trace_query(text)
    assert wanted is not None
    assert not isinstance(wanted, TextSearch)
    return fits(wanted, span, now_ns)


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        "duration >= 250ms and duration <= 250000us and not duration > 0.25s",
        "attributes.http.response.status_code = 500 and attributes.http.response.status_code > 499",
        'attributes.http.response.status_code = "500"',
        "attributes.code != 500 and attributes.code > 499",
        "attributes.retried = true and attributes.retried != 1",
        "features.amount > 90 and features.amount < 2",
        "features.region ~ ^E and predictions.score = 0.25",
        "attributes.service.name = fraud-api and service = fraud-api and environment != staging",
        "name ~ predict and status ~ ERR and status != ok",
        "age < 1m",
        "attributes.`ml.feature.region` = 'EU'",
    ],
)
def test_what_is_so(text: str) -> None:
    assert means(text)


@pytest.mark.parametrize(
    "text",
    [
        "version = 2.1",
        "version != 2.1.0",
        "arm = stable",
        "attributes.code = 500",
        "attributes.missing != 1",
        "attributes.missing !~ x",
        "attributes.ml.feature.amount = 99",
        "duration < 250ms",
        "age > 10s",
    ],
)
def test_what_is_not(text: str) -> None:
    assert not means(text)


def test_what_a_span_does_not_say_is_neither_equal_nor_unequal() -> None:
    bare = replace(SPAN, attributes={})
    assert not means("model = fraud", bare)
    assert not means("model != fraud", bare)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("model = fraud and version 2", 27, "expected one of"),
        ("model = fraud and colour = red", 19, "Fields are attributes.NAME, features.NAME, predictions.NAME"),
        ("duration > 200", 12, "Write 250us, 200ms"),
        ("duration ~ 2", 12, "no pattern fits"),
        ("status = broken", 10, "one of unset, ok, error"),
        ("status > ok", 10, "Use = or !="),
        ("age = 5m", 7, "an age changes all the time"),
        ("arm = x and attributes. = 1", 13, "attributes needs a name"),
        ("(model = fraud", 1, "never closed"),
        ("arm = `canary`", 7, "back-quotes only hold a name after attributes., features. or predictions."),
    ],
)
def test_errors_show_the_column(text: str, column: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_trace_query(text)
    assert caught.value.column == column
    assert says in str(caught.value)


def test_what_does_not_begin_as_a_filter_is_text_to_look_for() -> None:
    found = parse_trace_query("!canary|shadow")
    assert isinstance(found, TextSearch)
    assert found.is_inverted
    assert parse_trace_query("  ") is None


def test_the_store_is_asked_for_all_it_can_answer() -> None:
    assert _pushed(EXAMPLE) == PushedDown(
        TraceQuery(
            TimeRange(),
            SubjectFilter(model="fraud", version="2.1.0", arm="canary"),
            SpanStatus.ERROR,
            least_ns=200_000_001,
            attributes=(("http.route", "/predict"),),
        ),
        None,
    )


def test_a_choice_is_not_handed_on_and_a_contradiction_finds_nothing() -> None:
    assert _pushed("arm = canary or arm = stable").query == TraceQuery()
    pushed = _pushed("arm = canary and arm = stable")
    assert pushed.query.subjects.arm == "canary"
    assert pushed.rest is not None


_VALUES = ("EU", "0500", "1", 500, 1, 1.0, 0.25, True, False, (500, "EU"))
_LITERALS = ("EU", '"EU"', "500", '"500"', "0500", "1", "1.0", "true", '"true"', "0.25")
_PLAIN_TERMS = st.one_of(
    st.builds(
        "{} = {}".format, st.sampled_from(["model", "arm", "version"]), st.sampled_from(["fraud", "canary", "1.0"])
    ),
    st.builds("status = {}".format, st.sampled_from(["ok", "error", "unset"])),
    st.builds("duration {} {}ms".format, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.integers(1, 5)),
    st.builds("age {} {}s".format, st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 4)),
    st.builds(
        "{}.x {} {}".format,
        st.sampled_from(["attributes", "features"]),
        st.sampled_from(["=", "!=", "<", ">=", "~"]),
        st.sampled_from(_LITERALS),
    ),
)
_FILTERS = st.recursive(
    _PLAIN_TERMS,
    lambda inner: st.one_of(
        inner.map("not {}".format),
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedTraces:
    """A store with spans of every kind the filters below are about."""
    path = tmp_path_factory.mktemp("traces") / "traces.db"

    async def fill() -> None:
        store = TraceStore(path, ManualClock())
        await store.append(list(_SPANS.values()))
        await store.close()

    asyncio.run(fill())
    return EmbeddedTraces(path)


_SPANS = {
    f"{number:032x}": inference(
        number,
        version=("1.0", "2.1.0")[number % 2],
        arm=("stable", "canary")[number // 2 % 2],
        took_ns=(number % 6) * 1_000_000,
        end_ns=NOON - (number % 5) * 1_000_000_000,
        is_error=number % 3 == 0,
        columns={} if number % 11 == 0 else {("x", "ml.feature.x")[number % 2]: _VALUES[number // 2 % len(_VALUES)]},
    )
    for number in range(1, 80)
}


@given(_FILTERS)
def test_the_store_and_the_rest_find_exactly_what_fits(reader: EmbeddedTraces, text: str) -> None:
    wanted = parse_trace_query(text)
    assert wanted is not None
    assert not isinstance(wanted, TextSearch)
    pushed = push_down(wanted, TraceQuery(limit=1_000), NOON)
    candidates = {found.trace_id for found in asyncio.run(reader.traces(pushed.query))}
    found = {name for name in candidates if pushed.rest is None or fits(pushed.rest, _SPANS[name], NOON)}
    assert found == {name for name, span in _SPANS.items() if fits(wanted, span, NOON)}


def _pushed(text: str) -> PushedDown:
    wanted = parse_trace_query(text)
    assert wanted is not None
    assert not isinstance(wanted, TextSearch)
    return push_down(wanted, TraceQuery(), NOON)
