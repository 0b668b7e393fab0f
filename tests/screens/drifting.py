"""Traffic of ``churn`` up to now, with labels, that moves away from the profile stored with its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.traces import Resource, Span, SpanLink, Value, text_of
from mlops_tui.operations.actions import run
from mlops_tui.operations.drift import profile_file
from mlops_tui.operations.reference_profiles import prepare_profile
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.operations.company import Company
from tests.operations.serving import MODEL, PATH, VERSION
from tests.storage.trace_spans import SECOND, inference, span

WIDTH = timedelta(minutes=1)
RESOURCE = Resource(
    {"service.name": "churn-api", "gitlab.project.name": PATH, "deployment.environment.name": "production"}
)
THRESHOLD = 0.4


@dataclass(frozen=True)
class Minute:
    """What is different about a minute; ``turned`` is the share of truths that are the opposite of what they were."""

    shift: float = 0.0
    new: float = 0.0
    missing: float = 0.0
    as_text: bool = False
    labelled: float = 0.5
    turned: float = 0.0
    rows: int = 200
    version: str = VERSION
    arm: str = "stable"


async def store_profile(company: Company) -> None:
    """Keep with the version what it was trained on."""
    table = company.folder / "train.csv"
    rows = [[text_of(row[f"ml.{key}"]) for key in _COLUMNS] for row, _ in _rows(Minute(rows=4_000), seed=1)]
    table.write_text("\n".join(["amount,country,score", *map(",".join, rows)]) + "\n")
    profile = profile_file(str(table), {"amount": None, "country": None, "score": FeatureKind.SCORE}, 50).profile
    async with company.session() as session:
        action = await prepare_profile(session, MODEL, VERSION, profile, "train.csv")
        assert action is not None
        await run(session, action, "")


async def fill(company: Company, minutes: Mapping[int, Minute]) -> None:
    """Put requests and their labels into minutes, counted from now: -1 is the one that has just ended."""
    now = int(company.sandbox_clock.now().timestamp())
    spans: list[Span] = []
    for number, minute in minutes.items():
        begins = (now + number * 60) * SECOND
        for place, (attributes, truth) in enumerate(_rows(minute, seed=10_000 + number)):
            end_ns = begins + place * (60 * SECOND // minute.rows)
            asked = inference(
                len(spans) + 1 + (number + 10_000) * 100_000,
                version=minute.version,
                arm=minute.arm,
                columns={"ml.model.name": MODEL, **attributes},
                end_ns=end_ns,
                resource=RESOURCE,
            )
            spans += [asked, *([_label(asked, truth, now)] if truth else [])]
    async with company.session() as session:
        store = TraceStore(session.data / FILE_NAME, session.clock, width=60)
        try:
            await store.append(spans)
        finally:
            await store.close()


_COLUMNS = ("feature.amount", "feature.country", "prediction.score")


def _rows(minute: Minute, seed: int) -> list[tuple[dict[str, Value], str]]:
    """Requests with their truths, "" where none is known."""
    draw = np.random.default_rng(seed)
    amounts = draw.normal(minute.shift, 1, minute.rows)
    countries = np.where(draw.random(minute.rows) < minute.new, "br", draw.choice(("de", "fr", "us"), minute.rows))
    scores = draw.beta(3, 4.5, minute.rows)
    leaves = (draw.random(minute.rows) < scores) ^ (draw.random(minute.rows) < minute.turned)
    gaps, known = draw.random(minute.rows) < minute.missing, draw.random(minute.rows) < minute.labelled
    found: list[tuple[dict[str, Value], str]] = []
    for place in range(minute.rows):
        row: dict[str, Value] = {
            "ml.feature.country": str(countries[place]),
            "ml.prediction.score": float(scores[place]),
            "ml.prediction.label": "leaves" if scores[place] >= THRESHOLD else "stays",
        }
        if not gaps[place]:
            row["ml.feature.amount"] = f"{amounts[place]:.2f} EUR" if minute.as_text else float(amounts[place])
        truth = "leaves" if leaves[place] else "stays"
        found.append((row, truth if known[place] else ""))
    return found


def _label(asked: Span, truth: str, now: int) -> Span:
    attributes: dict[str, Value] = {"ml.model.name": MODEL, "ml.ground_truth.label": truth}
    number = int(asked.span_id, 16) + 50_000_000_000
    links = (SpanLink(asked.trace_id, asked.span_id),)
    return span(number, attributes, name="ground_truth", links=links, resource=RESOURCE, end_ns=now * SECOND)
