"""Traffic of the model ``churn``, whose project has no policy file, and the table that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import ReferenceProfile
from mlops_tui.domain.trace_queries import TimeRange
from mlops_tui.domain.traces import Resource, Span, Value, text_of
from mlops_tui.operations.drift import profile_file
from mlops_tui.operations.session import Session
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.clocks import START
from tests.storage.trace_spans import SECOND, inference

WIDTH = timedelta(minutes=1)
PATH = "acme/churn"
MODEL = "churn"
VERSION = "1.1.0"
COUNTRIES = ("de", "fr", "us")


@dataclass(frozen=True)
class Customers:
    """What is different about a stretch of traffic; ``as_text`` spells amounts out."""

    shift: float = 0.0
    new: float = 0.0
    missing: float = 0.0
    as_text: bool = False


def columns(customers: Customers, rows: int, seed: int) -> list[dict[str, Value]]:
    """The attributes of so many requests."""
    draw = np.random.default_rng(seed)
    amounts = draw.normal(customers.shift, 1, rows).tolist()
    countries = np.where(draw.random(rows) < customers.new, "br", draw.choice(COUNTRIES, rows)).tolist()
    is_missing = draw.random(rows) < customers.missing
    scores = draw.random(rows).tolist()
    made: list[dict[str, Value]] = []
    for amount, country, gap, score in zip(amounts, countries, is_missing, scores, strict=True):
        row: dict[str, Value] = {"ml.feature.country": country, "ml.prediction.score": score}
        if not gap:
            row["ml.feature.amount"] = f"{amount} EUR" if customers.as_text else amount
        made.append(row)
    return made


def training_table(path: Path, rows: int = 5_000, seed: int = 1) -> str:
    """Write what the model was trained on."""
    lines = [",".join(map(text_of, row.values())) for row in columns(Customers(), rows, seed)]
    path.write_text("\n".join(["country,score,amount", *lines]) + "\n")
    return str(path)


def trained_profile(folder: Path) -> ReferenceProfile:
    """The profile of that table, with at most fifty bins."""
    kinds = {"amount": None, "country": None, "score": FeatureKind.SCORE}
    return profile_file(training_table(folder / "train.csv"), kinds, 50).profile


async def serve(
    session: Session,
    minutes: Mapping[int, Customers],
    *,
    rows: int = 600,
    version: str = VERSION,
    arm: str = "stable",
    project: str = PATH,
    first: int = 0,
) -> None:
    """Put so many requests into each of these minutes after ``START`` into the store of whoever has the session."""
    resource = Resource(
        {"service.name": "churn-api", "gitlab.project.name": project, "deployment.environment.name": "production"}
    )
    spans: list[Span] = []
    for minute, customers in minutes.items():
        begins = int((START + minute * WIDTH).timestamp()) * SECOND
        for place, attributes in enumerate(columns(customers, rows, 1_000 + minute)):
            number = first + len(spans) + 1
            end_ns = begins + place * (60 * SECOND // rows)
            spans.append(
                inference(
                    number,
                    version=version,
                    arm=arm,
                    columns={"ml.model.name": MODEL, **attributes},
                    end_ns=end_ns,
                    resource=resource,
                )
            )
    store = TraceStore(session.data / FILE_NAME, session.clock, width=int(WIDTH.total_seconds()))
    try:
        await store.append(spans)
    finally:
        await store.close()


def minutes(first: int, last: int) -> TimeRange:
    """From one minute after ``START`` up to another."""
    return TimeRange(*(int(moment(minute).timestamp()) * SECOND for minute in (first, last)))


def moment(minute: int) -> datetime:
    """That minute."""
    return START + minute * WIDTH
