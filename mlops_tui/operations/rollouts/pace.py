"""What the traffic was like lately: how much of it there is, and what the control's guardrails measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import sqrt

from mlops_tui.analysis.power import Baseline
from mlops_tui.domain.errors import MlopsError, UsageError
from mlops_tui.domain.guardrail_metrics import ColumnValues, metric_of, unfit_values
from mlops_tui.domain.judgements import EventSample, Sample, ValueSample
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.operations.measurements import Measured, MeasuredSubject, MeasuredWindow, measure
from mlops_tui.operations.rollouts.previews import Pace
from mlops_tui.operations.session import Session

_LATELY = timedelta(hours=1)

_COLUMN_REMEDY = (
    "Name a feature, a prediction as prediction.NAME or an attribute of spans as attribute.NAME under metric"
)
_ATTRIBUTE_REMEDY = "Name an attribute of the model's spans; the embedded store keeps those of `--keep-attribute`"


async def recent_pace(
    session: Session,
    project: ProjectRef,
    model: str,
    environment: str,
    plan: RolloutPolicy,
    version: str | None,
    now: datetime,
) -> Pace:
    """The last hour of the control; nothing is known where its traffic cannot be read.

    Raises UsageError for a guardrail that measures a column which the traffic does not have, or whose values it cannot
    count.
    """
    subject = MeasuredSubject(project, model, environment, {plan.control: version})
    try:
        source = await session.traces()
        measured = await measure(source, subject, plan.guardrails, now - _LATELY, now)
    except MlopsError:
        return Pace()
    windows = measured.windows
    spans = sum(window.traffic[plan.control].spans for window in windows if plan.control in window.traffic)
    if not spans:
        return Pace()
    samples = _samples(windows)
    _refuse_unfit(plan, measured)
    _refuse_unknown(plan, samples)
    seconds = (windows[-1].end - windows[0].start).total_seconds()
    baselines = {name: baseline for name, found in samples.items() if (baseline := baseline_of(found)) is not None}
    return Pace(spans / seconds, baselines, windows[-1].width)


def _samples(windows: Sequence[MeasuredWindow]) -> dict[str, list[Sample]]:
    samples: defaultdict[str, list[Sample]] = defaultdict(list)
    for window in windows:
        for measurement in window.measurements:
            samples[measurement.guardrail].append(measurement.sample)
    return dict(samples)


def _refuse_unfit(plan: RolloutPolicy, measured: Measured) -> None:
    for guardrail in plan.guardrails:
        metric = metric_of(guardrail)
        if isinstance(metric, ColumnValues) and unfit_values(metric.column, guardrail.kind) in measured.notes:
            raise UsageError(
                f"The guardrail {guardrail.name} cannot be measured",
                why=unfit_values(metric.column, guardrail.kind),
                remedy="Write kind: mean, or name a column that fits under metric",
            )


def _refuse_unknown(plan: RolloutPolicy, samples: dict[str, list[Sample]]) -> None:
    for guardrail in plan.guardrails:
        metric = metric_of(guardrail)
        if isinstance(metric, ColumnValues) and guardrail.name not in samples:
            raise UsageError(
                f"The guardrail {guardrail.name} is unknown",
                why=f"the traffic of the last hour has no numbers of {metric.column}",
                remedy=_ATTRIBUTE_REMEDY if metric.is_attribute else _COLUMN_REMEDY,
            )


def baseline_of(samples: Sequence[Sample]) -> Baseline | None:
    """What some samples of the control say of it, None where there are none."""
    n = sum(sample.n for sample in samples)
    if not n:
        return None
    events = [sample for sample in samples if isinstance(sample, EventSample)]
    if events:
        return Baseline(sum(sample.events for sample in events) / n)
    values = [sample for sample in samples if isinstance(sample, ValueSample)]
    mean = sum(sample.total for sample in values) / n
    variance = max(sum(sample.squares for sample in values) / n - mean * mean, 0.0)
    return Baseline(mean, sqrt(variance))
