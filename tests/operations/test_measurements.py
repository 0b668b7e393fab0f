"""What closed windows of traffic are to the judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlops_tui.domain.guardrail_metrics import SlowEvents, describe, metric_of
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.judgements import EventSample, Sample, ValueSample
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind
from mlops_tui.domain.profiles import FeatureCounts
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.trace_queries import WindowAnswer, WindowQuery, WindowTraffic
from mlops_tui.domain.window_slices import Traffic, latency_bucket
from mlops_tui.domain.windows import WindowKey, WindowRow
from mlops_tui.operations.measurements import GRACE, MeasuredSubject, measure

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WIDTH = timedelta(seconds=10)
MS = 1_000_000
SUBJECT = MeasuredSubject(ProjectRef(7, "acme/fraud"), "fraud", "production", {"stable": "2.0.0", "canary": "2.1.0"})


def guardrail(kind: str, metric: str, threshold: float | None = None) -> Guardrail:
    quantile = 0.95 if threshold else None
    return Guardrail(
        metric, GuardrailKind(kind), Direction.LOWER, 0.1, metric=metric, quantile=quantile, threshold=threshold
    )


class Source:
    """Windows as they were told."""

    def __init__(self) -> None:
        self.traffic_rows: list[WindowTraffic] = []
        self.value_rows: list[WindowRow] = []
        self.asked: list[WindowQuery] = []

    def window(self, number: int, arm: str, latencies: list[int], errors: int = 0, **subject: str) -> None:
        version = {"stable": "2.0.0", "canary": "2.1.0"}.get(arm, "")
        whole = {"project": "acme/fraud", "model": "fraud", "version": version, "environment": "production", **subject}
        buckets: dict[int, int] = {}
        for latency in latencies:
            buckets[latency_bucket(latency * MS)] = buckets.get(latency_bucket(latency * MS), 0) + 1
        traffic = Traffic(len(latencies), errors, sum(latencies) * MS, 1, 2, buckets)
        self.traffic_rows.append(WindowTraffic(START + number * WIDTH, WIDTH, Subject(arm=arm, **whole), traffic))

    def values(self, number: int, arm: str, column: str, values: list[float], missing: int = 0) -> None:
        version = {"stable": "2.0.0", "canary": "2.1.0"}[arm]
        key = WindowKey(START + number * WIDTH, WIDTH, "acme/fraud", "fraud", version, arm, "production", column, "")
        counts = FeatureCounts(
            n=len(values) + missing, missing=missing, nan=0, pos_inf=0, neg_inf=0,
            sum=sum(values), sum_sq=sum(value * value for value in values),
            min=min(values), max=max(values), counts=(len(values),),
        )  # fmt: skip
        self.value_rows.append(WindowRow(key, counts))

    async def traffic(self, _query: WindowQuery) -> tuple[WindowTraffic, ...]:
        return tuple(self.traffic_rows)

    async def windows(self, query: WindowQuery) -> WindowAnswer:
        self.asked.append(query)
        return WindowAnswer(tuple(row for row in self.value_rows if row.key.feature in query.columns))


async def samples(source: Source, *guardrails: Guardrail, now: datetime | None = None) -> list[dict[str, Sample]]:
    """The samples of each window by arm, for the last guardrail."""
    measured = await measure(source, SUBJECT, guardrails, START, now or START + timedelta(hours=1))
    return [
        {item.arm: item.sample for item in window.measurements if item.guardrail == guardrails[-1].name}
        for window in measured.windows
    ]


async def test_errors_are_counted_among_spans_and_services_of_an_arm_add_up() -> None:
    source = Source()
    source.window(0, "stable", [5] * 8, errors=1, service="one")
    source.window(0, "stable", [5] * 4, errors=2, service="two")
    source.window(0, "canary", [5] * 3)
    assert await samples(source, guardrail("rate", "errors")) == [
        {"stable": EventSample(12, 3), "canary": EventSample(3, 0)}
    ]


async def test_spans_of_others_do_not_count_and_it_is_said_whose_there_are() -> None:
    source = Source()
    source.window(0, "stable", [5], version="1.9.0")
    source.window(0, "canary", [5], environment="staging")
    source.window(0, "canary", [5], project="acme/other")
    source.window(0, "shadow", [5])
    measured = await measure(source, SUBJECT, [guardrail("rate", "errors")], START, START + timedelta(hours=1))
    assert measured.windows == ()
    assert "stable 1.9.0" in measured.notes[0]
    source.window(0, "canary", [5], project="7", version="")
    assert await samples(source, guardrail("rate", "errors")) == [{"canary": EventSample(1, 0)}]


async def test_slow_answers_are_counted_beyond_an_edge_next_to_the_threshold() -> None:
    metric = metric_of(guardrail("quantile", "latency", 250))
    assert isinstance(metric, SlowEvents)
    assert metric.edge_ns / MS == pytest.approx(250, rel=0.023)
    assert "edge of a latency bucket" in describe(metric)
    source = Source()
    source.window(0, "stable", [10, 100, 230, 270, 400, 4_000])
    assert await samples(source, guardrail("quantile", "latency", 250)) == [{"stable": EventSample(6, 3)}]


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("amount", "amount"),
        ("prediction.score", "prediction.score"),
        ("ml.feature.amount", "amount"),
        ("ml.prediction.score", "prediction.score"),
        ("gen_ai.usage.output_tokens", "attribute.gen_ai.usage.output_tokens"),
        ("attribute.tokens", "attribute.tokens"),
        ("attribute.ml.feature.amount", "amount"),
    ],
)
async def test_a_mean_is_of_a_feature_a_prediction_or_any_attribute_of_spans(metric: str, column: str) -> None:
    source = Source()
    source.window(0, "stable", [5] * 2)
    source.values(0, "stable", column, [3.0, 5.0])
    assert await samples(source, guardrail("mean", metric)) == [{"stable": ValueSample(2, 8.0, 34.0)}]


async def test_attributes_are_read_from_where_the_evidence_ends() -> None:
    source = Source()
    guardrails = [guardrail("mean", "tokens.out"), guardrail("mean", "amount")]
    await measure(source, SUBJECT, guardrails, START, START + timedelta(hours=1), START + timedelta(minutes=50))
    asked = {query.columns: query.times.start_ns for query in source.asked}
    began = int(START.timestamp()) * 1_000_000_000
    assert asked == {("amount",): began, ("attribute.tokens.out",): began + 3_000 * 1_000_000_000}


async def test_columns_are_means_shares_or_counts() -> None:
    source = Source()
    source.window(0, "stable", [5] * 6)
    source.values(0, "stable", "prediction.score", [0.25, 0.5, 0.25, 1.0], missing=2)
    source.values(0, "stable", "fallback", [1.0, 0.0, 1.0])
    source.values(0, "stable", "retries", [0.0, 3.0, 1.0])
    assert await samples(source, guardrail("mean", "prediction.score")) == [{"stable": ValueSample(4, 2.0, 1.375)}]
    assert await samples(source, guardrail("rate", "fallback")) == [{"stable": EventSample(3, 2)}]
    assert await samples(source, guardrail("count", "retries")) == [{"stable": EventSample(3, 4)}]
    measured = await measure(source, SUBJECT, [guardrail("rate", "retries")], START, START + timedelta(hours=1))
    assert measured.notes == ("The values of retries are not 0 or 1, as a rate needs",)


async def test_a_window_counts_once_it_is_closed_and_began_under_the_rollout() -> None:
    source = Source()
    for number in (-1, 0, 1):
        source.window(number, "stable", [5])
    errors = guardrail("rate", "errors")
    closed = START + WIDTH + GRACE
    assert len(await samples(source, errors, now=closed)) == 1
    assert len(await samples(source, errors, now=closed - timedelta(seconds=1))) == 0
    assert len(await samples(source, errors, now=closed + WIDTH)) == 2


@pytest.mark.parametrize(
    ("kind", "metric", "words"), [("quantile", "score", "score is unknown"), ("mean", "latency", "kind quantile")]
)
def test_what_cannot_be_measured_is_said(kind: str, metric: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        metric_of(guardrail(kind, metric, 1.0 if kind == "quantile" else None))
