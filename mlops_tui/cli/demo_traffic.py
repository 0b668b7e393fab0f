"""What the demo's fraud model would have served before the demo was opened: spans of the past, the same every time.

Dense for the last minutes, so that nothing begins empty; before that one window of every hour, with nights and days,
hours in which amounts had shifted, and short outages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from mlops_tui.cli.sandbox_traces import DEMO_WIDTH
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Value
from mlops_tui.sandbox.inference.models import FraudModel, Prediction
from mlops_tui.sandbox.inference.payments import Payment, PaymentSource
from mlops_tui.sandbox.inference.switches import Switches
from mlops_tui.sandbox.inference.telemetry import Origin

_SECOND = 1_000_000_000
_DENSE_SECONDS = 15 * 60
_SPARSE_HOURS = 44
_DAY_SECONDS = 86_400
_PAYMENTS = 150
# Labels cost as much as what they are about: the recent ones are all there, of the older ones enough to judge by.
_LABELLED_SECONDS = 10 * 60
_LABELLED = 60
_LABEL_SECONDS = 6
_EACH_NS = 10_000
_EVALUATION_SEED = 7
_ERRORS = 0.004
_TYPICAL_NS, _SPREAD = 9_000_000, 0.35
_USUAL = (Switches(), _ERRORS)
_SHIFTED = (Switches().changed({"amount_factor": 1.9}), _ERRORS)
_OUTAGE = (Switches(), 0.2)
# By how many hours ago; an incident lasts some windows, so that rules which wait for two in a row see it.
_INCIDENTS = {2: _OUTAGE, 4: _SHIFTED, 9: _OUTAGE, **dict.fromkeys(range(25, 30), _SHIFTED)}
_INCIDENT_WINDOWS = 6
_SCOPE = Scope("mlops_tui.sandbox.inference")


@dataclass(frozen=True, slots=True)
class PastWindow:
    """One window of the past: when it began (seconds since the Unix epoch), and what it held."""

    start: int
    payments: int
    labelled: int
    switches: Switches = field(default_factory=Switches)
    errors: float = _ERRORS


@dataclass(frozen=True, slots=True)
class PastTraffic:
    """The traffic of one version; ``project`` is the project's id, ``commit`` what was deployed."""

    version: str
    project_id: int
    project: str
    commit: str

    def spans(self, window: PastWindow) -> list[Span]:
        """The predictions of a window and the truth about them."""
        random = Random(window.start)  # noqa: S311 - sample data
        payments = PaymentSource(window.start).draw(window.payments, window.switches)
        model = FraudModel.of_version(self.version)
        gap = DEMO_WIDTH * _SECOND // max(1, window.payments)
        spans: list[Span] = []
        for place, payment in enumerate(payments):
            end_ns = window.start * _SECOND + place * gap + gap // 2
            failed = random.random() < window.errors
            spans.append(self._prediction(window.start, place, end_ns, random, payment, None if failed else model))
            if place < window.labelled and not failed:
                spans.append(self._truth(window.start, place, payment))
        return [*spans, self._batch(window.start)] if window.labelled else spans

    def _prediction(
        self, start: int, place: int, end_ns: int, random: Random, payment: Payment, model: FraudModel | None
    ) -> Span:
        """One inference; without a model it failed."""
        features = payment.features()
        attributes: dict[str, Value] = {
            "ml.model.name": "fraud",
            "ml.model.version": self.version,
            "ml.deployment.track": "stable",
            "ml.operation.name": "predict",
            "ml.prediction.id": _prediction_id(start, place),
            **{f"ml.feature.{name}": value for name, value in features.items()},
        }
        if model is None:
            attributes["error.type"] = "ModelError"
        else:
            prediction = model.predict(features)
            attributes |= {"ml.prediction.score": prediction.score, "ml.prediction.label": prediction.label}
        took_ns = int(_TYPICAL_NS * random.lognormvariate(0, _SPREAD))
        status = SpanStatus.ERROR if model is None else SpanStatus.UNSET
        return self._span(
            "fraud-scoring", "predict fraud", _ids(start, place, 1), (end_ns - took_ns, end_ns), status, attributes
        )

    def _truth(self, start: int, place: int, payment: Payment) -> Span:
        attributes: dict[str, Value] = {
            "ml.ground_truth.label": int(payment.is_fraud()),
            "ml.ground_truth.prediction.id": _prediction_id(start, place),
        }
        at_ns = _told_ns(start) + place * _EACH_NS
        return self._of_chargebacks("ground_truth", start, place + 1, (at_ns, at_ns + _EACH_NS), attributes)

    def _batch(self, start: int) -> Span:
        """The span that all the truth of a window was told under."""
        times = (_told_ns(start), _told_ns(start) + _PAYMENTS * 2 * _EACH_NS)
        return self._of_chargebacks("import chargebacks", start, 0, times, {})

    def _of_chargebacks(
        self, name: str, start: int, place: int, times: tuple[int, int], attributes: Mapping[str, Value]
    ) -> Span:
        trace_id, root = _ids(start, 0, 2)
        ids = (trace_id, _ids(start, place, 2)[1])
        span = self._span("fraud-chargebacks", name, ids, times, SpanStatus.UNSET, attributes)
        return replace(span, kind=SpanKind.INTERNAL, parent_id=root if place else "")

    def _span(
        self,
        service: str,
        name: str,
        ids: tuple[str, str],
        times: tuple[int, int],
        status: SpanStatus,
        attributes: Mapping[str, Value],
    ) -> Span:
        origin = Origin(service, self.project_id, self.project, "production", self.commit)
        resource = Resource(dict(origin.resource()))
        return Span(*ids, "", name, SpanKind.SERVER, *times, status, "", dict(attributes), resource, _SCOPE)


def past_windows(now: float) -> Iterator[PastWindow]:
    """The windows before ``now`` (seconds since the Unix epoch), the newest first."""
    newest = int(now) // DEMO_WIDTH * DEMO_WIDTH - DEMO_WIDTH
    for age in range(0, _DENSE_SECONDS, DEMO_WIDTH):
        payments = _busy(newest - age)
        yield PastWindow(newest - age, payments, payments if age < _LABELLED_SECONDS else _LABELLED)
    for hour in range(1, _SPARSE_HOURS):
        incident = _INCIDENTS.get(hour)
        for place in range(1 if incident is None else _INCIDENT_WINDOWS):
            start = newest - hour * 3_600 - place * DEMO_WIDTH
            switches, errors = incident or _USUAL
            yield PastWindow(start, _busy(start), _LABELLED, switches, errors)


def evaluation_rows(version: str, count: int) -> Sequence[tuple[Mapping[str, Value], Prediction | None]]:
    """What a version was evaluated on: features and its predictions, None as often as it fails in service too."""
    model = FraudModel.of_version(version)
    features = [payment.features() for payment in PaymentSource(_EVALUATION_SEED).draw(count)]
    every = round(1 / _ERRORS)
    return [(row, model.predict(row) if place % every else None) for place, row in enumerate(features)]


def _busy(start: int) -> int:
    """How many payments a window has: fewest in the small hours."""
    angle = 2 * math.pi * (start % _DAY_SECONDS) / _DAY_SECONDS
    return round(_PAYMENTS * (0.9 - 0.1 * math.cos(angle)))


def _prediction_id(start: int, place: int) -> str:
    return f"{start:08x}{place:04x}"


def _told_ns(start: int) -> int:
    """When the truth about a window was told."""
    return (start + DEMO_WIDTH + _LABEL_SECONDS) * _SECOND


def _ids(start: int, place: int, kind: int) -> tuple[str, str]:
    """Ids of a trace and a span that no other has, and that are the same whenever they are made."""
    return f"{kind:08x}{start:016x}{place + 1:08x}", f"{kind:02x}{start:010x}{place + 1:04x}"
