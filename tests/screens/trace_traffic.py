"""Half an hour of requests to a model with a canary, as its services would have sent them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlops_tui.domain.traces import Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, SpanStatus, Value
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.clocks import ManualClock
from tests.storage.trace_spans import SECOND

SHA = "4f2a9c1e7b3d5a6f8091a2b3c4d5e6f708192a3b"
MILLISECOND = 1_000_000
SERVING = {"service.name": "fraud-api", "deployment.environment.name": "production"}
STORE = Resource({"service.name": "feature-store", "deployment.environment.name": "production", "host.name": "b"})
SCOPE = Scope("fraud.serving", "1.4")


async def store(folder: Path, spans: Sequence[Span]) -> None:
    """Put spans into the store of a folder, as its collector would."""
    kept = TraceStore(folder / FILE_NAME, ManualClock())
    await kept.append(list(spans))
    await kept.close()


def traffic(now_ns: int, project: str = "7", job: str = "1", sha: str = SHA) -> list[Span]:
    """A request every ten seconds, every sixth to the canary, of which one in three fails."""
    serving = Resource({**SERVING, "gitlab.project.id": project, "gitlab.ci.job.id": job, "service.version": sha})
    spans: list[Span] = []
    for number in range(1, 181):
        at = now_ns - (181 - number) * 10 * SECOND
        is_canary = number % 6 == 0
        took = (20 + number % 7 + (15 if is_canary else 0)) * MILLISECOND
        spans += request(number, at, took, serving, is_canary=is_canary, is_error=number % 18 == 0)
    return spans


def request(number: int, at_ns: int, took: int, serving: Resource, *, is_canary: bool, is_error: bool) -> list[Span]:
    """One request: it fetches features from a service whose clock is behind, then asks the model."""
    trace = f"{number:032x}"
    ids = [f"{number:012x}{place:04x}" for place in range(1, 5)]
    status = SpanStatus.ERROR if is_error else SpanStatus.UNSET
    columns: dict[str, Value] = {
        "ml.model.name": "fraud",
        "ml.model.version": "2.1.0" if is_canary else "2.0.0",
        "ml.deployment.track": "canary" if is_canary else "stable",
        "ml.feature.amount": 10.0 + number,
        "ml.feature.country": ("DE", "FR")[number % 2],
        "ml.prediction.label": "fine",
        "ml.prediction.score": number / 1_000,
        "ml.prediction.id": f"p{number}",
    }

    def made(place: int, name: str, start: float, end: float, **changes: object) -> Span:
        parent = ids[{1: 0, 2: 0, 3: 1}.get(place, 0)] if place else ""
        plain = Span(
            trace, ids[place], parent, name, SpanKind.INTERNAL, at_ns + int(start * took), at_ns + int(end * took),
            SpanStatus.UNSET, "", {}, serving, SCOPE,
        )  # fmt: skip
        return replace(plain, **changes)  # type: ignore[arg-type]

    failed = (SpanEvent(at_ns + took * 9 // 10, "exception", {"exception.type": "ValueError"}),) if is_error else ()
    behind = 40 * MILLISECOND / took
    return [
        made(0, "POST /predict", 0, 1, kind=SpanKind.SERVER, attributes={"http.route": "/predict"}, status=status),
        made(1, "fetch features", 0.05, 0.4, kind=SpanKind.CLIENT),
        made(3, "GET /features", 0.1 - behind, 0.3 - behind, kind=SpanKind.SERVER, resource=STORE),
        made(2, "predict fraud", 0.45, 0.95, attributes=columns, status=status, events=failed, dropped=int(is_error),
             status_message="no such country" if is_error else ""),
    ]  # fmt: skip


def truth(number: int, at_ns: int, label: str) -> Span:
    """What a prediction turned out to be."""
    return Span(
        f"{900_000 + number:032x}", f"{900_000 + number:016x}", "", "ground_truth", SpanKind.INTERNAL, at_ns, at_ns,
        SpanStatus.UNSET, "",
        {"ml.model.name": "fraud", "ml.ground_truth.label": label, "ml.ground_truth.prediction.id": f"p{number}"},
        Resource(SERVING), SCOPE, (), (SpanLink(f"{number:032x}", f"{number:012x}0003"),),
    )  # fmt: skip
