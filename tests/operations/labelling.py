"""Scored requests of the model ``churn`` and what turned out to be true of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlops_tui.domain.traces import Resource, Span, SpanLink, Value
from mlops_tui.operations.session import Session
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.operations.serving import MODEL, PATH, VERSION, WIDTH, minutes
from tests.storage.trace_spans import SECOND, inference, span

RESOURCE = Resource(
    {"service.name": "churn-api", "gitlab.project.name": PATH, "deployment.environment.name": "production"}
)
THRESHOLD = 0.4


@dataclass(frozen=True)
class Truths:
    """How one minute's truths follow from its scores.

    ``labelled`` is the share that has a label, ``turned`` the share of rows whose truth is the opposite of what it
    would have been, ``worse_in`` a country where all of them are.
    """

    labelled: float = 1.0
    turned: float = 0.0
    worse_in: str = ""
    level: float = 0.4
    errors: float = 0.0


async def judge(session: Session, each: Mapping[int, Truths], *, rows: int = 300, first: int = 0) -> None:
    """Put requests with their labels into each of these minutes after ``START``."""
    spans: list[Span] = []
    for minute, truths in each.items():
        spans += _minute(minute, truths, rows, first + 1 + len(spans) * 2)
    store = TraceStore(session.data / FILE_NAME, session.clock, width=int(WIDTH.total_seconds()))
    try:
        await store.append(spans)
    finally:
        await store.close()


def _minute(minute: int, truths: Truths, rows: int, number: int) -> list[Span]:
    draw = np.random.default_rng(500 + minute)
    scores = draw.beta(8 * truths.level, 8 * (1 - truths.level), rows)
    countries = draw.choice(("de", "fr", "us"), rows)
    leaves = draw.random(rows) < scores
    leaves ^= (draw.random(rows) < truths.turned) | (countries == truths.worse_in)
    known = draw.random(rows) < truths.labelled
    failed = draw.random(rows) < truths.errors
    begins = minutes(minute, minute + 1).start_ns
    spans: list[Span] = []
    for place in range(rows):
        attributes: dict[str, Value] = {
            "ml.model.name": MODEL,
            "ml.feature.country": str(countries[place]),
            "ml.prediction.score": float(scores[place]),
            "ml.prediction.label": "leaves" if scores[place] >= THRESHOLD else "stays",
        }
        end_ns = begins + place * (60 * SECOND // rows)
        common: dict[str, Any] = {"end_ns": end_ns, "resource": RESOURCE}
        asked = inference(number + place, version=VERSION, columns=attributes, is_error=bool(failed[place]), **common)
        spans.append(asked)
        if known[place]:
            outcome = "leaves" if leaves[place] else "stays"
            spans.append(_label(number + rows + place, outcome, asked))
    return spans


def _label(number: int, outcome: str, of: Span) -> Span:
    attributes: dict[str, Value] = {"ml.model.name": MODEL, "ml.ground_truth.label": outcome}
    links = (SpanLink(of.trace_id, of.span_id),)
    end_ns = minutes(120, 121).start_ns
    return span(number, attributes, name="ground_truth", links=links, resource=RESOURCE, end_ns=end_ns)
