"""What can be chosen on the view of drift: models, whose requests of one, and what is drawn of its quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_tui.domain.quality import ModelQuality, QualityMetric, QualityTask
from mlops_tui.screens.drift_plots import TRAFFIC_MEASURES
from mlops_tui.screens.drift_texts import figure_text, subject_title
from mlops_tui.widgets.chooser import Choice
from mlops_tui.widgets.times import age

if TYPE_CHECKING:
    from mlops_tui.domain.drift_windows import ModelDrift
    from mlops_tui.domain.inferences import Subject
    from mlops_tui.operations.monitored_models import MonitoredModel


def model_choices(models: Sequence[MonitoredModel]) -> list[Choice]:
    """Every model, with its requests of the last hour."""
    return [Choice(item.name, item.name, f"{item.requests:,} requests in the last hour") for item in models]


def arm_choices(drift: ModelDrift, now: datetime) -> list[Choice]:
    """Every version on an arm in an environment that had requests."""
    return [
        Choice(
            str(place), subject_title(item.subject), f"{item.requests:,} requests, the last {age(item.until, now)} ago"
        )
        for place, item in enumerate(drift.subjects)
    ]


def subject_numbered(drift: ModelDrift, choice: str) -> Subject:
    """What a choice stands for."""
    return drift.subjects[int(choice)].subject


def measure_choices(quality: ModelQuality) -> list[Choice]:
    """Every metric with its value over all windows, and the figures of the traffic."""
    return [*_metric_choices(quality), *(Choice(item.name, item.title, "of the requests") for item in TRAFFIC_MEASURES)]


def first_measure(quality: ModelQuality) -> str:
    """What is drawn until somebody chooses: the metric that says most, or the requests where there is none."""
    outputs = quality.outputs
    if outputs is None:
        return TRAFFIC_MEASURES[-1].name
    return (QualityMetric.MAE if outputs.task is QualityTask.NUMERIC else QualityMetric.ACCURACY).value


def _metric_choices(quality: ModelQuality) -> Iterator[Choice]:
    whole = quality.whole
    for metric in QualityMetric:
        figure = whole.figure(metric) or whole.figure(metric, is_estimate=True)
        if figure is not None:
            kind = "realised" if whole.figure(metric) else "estimated"
            yield Choice(metric.value, metric.value.replace("_", " "), f"{kind} {figure_text(figure)}")
