"""Seeded traffic that has everything a reader can trip over."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from mlops_tui.domain.profiles import CategoryBins, NumericBins
from mlops_tui.domain.traces import Resource, Span, SpanEvent, SpanKind, SpanStatus, Value
from mlops_tui.domain.window_slices import WindowProfile
from tests.storage.trace_spans import NOON, SECOND, inference, label, span

WINDOWS = 3
WIDTH = 300
EDGES = (math.nextafter(0.1, -math.inf), 0.1, 0.30000000000000004, 1.0, 123456789.12345679)
PROFILE = WindowProfile(
    "a" * 64,
    "7",
    "fraud",
    {
        "amount": NumericBins(EDGES),
        "country": CategoryBins(("DE", "it's", "5.0")),
        "prediction.score": NumericBins((0.5,)),
    },
)
OTHER = Resource(
    {"service.name": "churn-api", "gitlab.project.name": "churn", "deployment.environment.name": "staging"}
)
# Values whose text is easily read as a neighbouring number, and those that are no plain number.
NUMBERS = (
    *EDGES, 0.0, -0.0, 5.0, -2.5, 1e-7, 1.5e21, 7.654927133881691e-31, 2.0**64, 1, -3, math.nan, math.inf, -math.inf,
)  # fmt: skip


def traffic(*, seed: int = 7, count: int = 60, finite: bool = False, whole: bool = True) -> list[Span]:
    """Inferences on two arms over three windows with errors, gaps, text, batches, labels and other people's spans.

    ``finite`` leaves NaN and infinities out, and without ``whole`` no category is a number.
    """
    chance = random.Random(seed)
    numbers = [number for number in NUMBERS if math.isfinite(number)] if finite else list(NUMBERS)
    numbers += [chance.gauss(0, 10.0 ** chance.randint(-9, 9)) for _ in range(40)]
    countries: list[Value] = ["DE", "FR", "it's", "a\\b{{c}}$d", "žluť", *([5.0] if whole else [])]
    spans = [_inference(number, chance, numbers, countries) for number in range(1, count)]
    spans += [_batch(500), _batch(501), inference(502, columns={"app.revenue": 2.5, "app.tokens": (3, 4)})]
    spans += [span(600, name="GET /health", took_ns=1_000), span(601, {"ml.model.name": "churn"}, resource=OTHER)]
    spans += _tree(700)
    named = [label(800 + number, "fraud", prediction=f"p-{number}", end_ns=NOON + 400 * SECOND) for number in (10, 20)]
    linked = label(803, 1, of=spans[0], end_ns=NOON + 500 * SECOND)
    late = label(804, "fine", prediction="p-10", end_ns=NOON + 900 * SECOND)
    return [*spans, *named, linked, late]


def with_whole_numbers(spans: Sequence[Span]) -> list[Span]:
    """Spans as they are after a store that does not tell 5.0 from 5, nor keeps the order of attributes."""
    return [
        replace(
            item,
            attributes={key: _plain(value) for key, value in sorted(item.attributes.items())},
            resource=Resource(dict(sorted(item.resource.attributes.items()))),
        )
        for item in spans
    ]


def _plain(value: Value) -> Value:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _inference(number: int, chance: random.Random, numbers: Sequence[float], countries: Sequence[Value]) -> Span:
    columns: dict[str, Value] = {"ml.prediction.id": f"p-{number}"}
    if chance.random() < 0.8:
        columns["ml.feature.amount"] = chance.choice(numbers)
    if chance.random() < 0.1:
        columns["ml.feature.amount"] = chance.choice(["unknown", "", True])
    if chance.random() < 0.7:
        columns["ml.feature.country"] = chance.choice(countries)
    if chance.random() < 0.9:
        columns["ml.prediction.score"] = chance.random()
    if number % 3:
        columns["app.revenue"] = number / 4 if number % 7 else "unknown"
    if chance.random() < 0.3:
        columns["ml.prediction.label"] = chance.choice(["fraud", "fine"])
    return inference(
        number,
        version=chance.choice(["1.2.0", "1.3.0"]),
        arm=chance.choice(["stable", "canary", "default"]),
        columns=columns,
        end_ns=NOON + chance.randrange(WINDOWS * WIDTH * SECOND),
        took_ns=chance.choice([0, 1, 2, 1_000, 123_456_789, chance.randrange(10**10)]),
        is_error=chance.random() < 0.2,
    )


def _batch(number: int) -> Span:
    columns: dict[str, Value] = {
        "ml.request.batch_size": 3,
        "ml.feature.amount": (1.5, None, 0.1),
        "ml.feature.country": ("DE", "FR", "DE"),
    }
    return inference(number, columns=columns, end_ns=NOON + SECOND)


def _tree(trace: int) -> list[Span]:
    event = SpanEvent(NOON + 5, "retry", {"attempt": 2})
    root = span(trace, name="POST /score", trace=trace, end_ns=NOON + 20, took_ns=30, events=(event,))
    child = inference(trace + 1, trace=trace, parent=trace, end_ns=NOON + 15, took_ns=10, is_error=True)
    return [replace(root, kind=SpanKind.CLIENT, status=SpanStatus.OK), replace(child, status_message="too slow")]
