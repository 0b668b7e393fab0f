"""Random runs and random filters about them, for the tests of both evaluators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from mlops_tui.domain.filter_terms import And, Not, Or
from mlops_tui.domain.filters import Expression, parse_filter
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run, RunStatus

NOW = datetime(2025, 6, 10, 12, tzinfo=UTC)

METRICS = ("auc", "val.loss", "odd `name`")
PARAMS = ("lr", "batch size")
TAGS = ("team",)
COMPARATORS = ("=", "!=", "<", "<=", ">", ">=")
NUMBERS = (0.0, -0.0, 0.5, 1.0, -3.0, 1e9, float("nan"), float("inf"), float("-inf"))
TEXTS = ("", "0.5", "5e-1", "1", "nan", "adam", "Adam", "risk team", 'say "hi"', "été", "1_0")

values = st.sampled_from(NUMBERS)
texts = st.sampled_from(TEXTS)
starts = st.one_of(
    st.none(),
    st.integers(-3 * 86_400_000, 60_000).map(lambda ago: NOW + timedelta(milliseconds=ago)),
    st.just(datetime(2025, 6, 9, tzinfo=UTC)),
)

runs = st.builds(
    lambda name, status, start, metrics, params, tags: Run(
        id="", project=ProjectRef(1, "acme/fraud"), experiment_iid=1, experiment="trees", name=name, status=status,
        started_at=start, ended_at=None, user_id=None, metrics=metrics, params=params, tags=tags,
    ),
    texts,
    st.sampled_from(RunStatus),
    starts,
    st.dictionaries(st.sampled_from(METRICS), values),
    st.dictionaries(st.sampled_from(PARAMS), texts),
    st.dictionaries(st.sampled_from(TAGS), texts),
)  # fmt: skip


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def named(kind: str, name: str) -> str:
    return f"{kind}.`" + name.replace("`", "``") + "`"


comparators = st.sampled_from(COMPARATORS)
numbers = st.sampled_from(["0", "0.5", "+.5", "1.", "-3", "1e9", "nan", "NaN", "inf", "-Infinity"])
text_fields = st.one_of(
    st.sampled_from(PARAMS).map(lambda name: named("params", name)),
    st.sampled_from(TAGS).map(lambda name: named("tags", name)),
    st.sampled_from(["name", "experiment"]),
)
metric_fields = st.sampled_from(METRICS).map(lambda name: named("metrics", name))
sources = st.one_of(
    st.builds("{} {} {}".format, metric_fields, comparators, numbers),
    st.builds("{} {} {}".format, text_fields, comparators, st.one_of(numbers, texts.map(quoted))),
    st.builds("{} {} {}".format, text_fields, st.sampled_from(["~", "!~"]), texts.map(quoted)),
    st.builds("status {} {}".format, st.sampled_from(["=", "!="]), st.sampled_from(["running", "FAILED", "unknown"])),
    st.builds("status {} {}".format, st.sampled_from(["~", "!~"]), st.sampled_from(["ed$", '"fail|kill"'])),
    st.builds(
        "started_at {} {}".format,
        comparators,
        st.sampled_from(["2025-06-09", "2025-06-10T02:00", '"2025-06-09 00:00:00.000"', "2025-06-09T02:00:00+02:00"]),
    ),
    st.builds(
        "age {} {}".format, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["2h", "1d12h", "90.5m", "0s"])
    ),
)
terms = sources.map(parse_filter)


def _joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several: st.SearchStrategy[Any] = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(inner.map(Not), several.map(And), several.map(Or))


expressions: st.SearchStrategy[Expression] = st.recursive(terms, _joined, max_leaves=6)
