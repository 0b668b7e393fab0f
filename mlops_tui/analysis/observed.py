"""What was counted of the current data, ready to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.analysis.drift import Observation, compare
from mlops_tui.analysis.drift_windows import refuse_other_types
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.drift import DriftResult
from mlops_tui.domain.drift_reports import DriftReport, ReportedTraffic


@dataclass(frozen=True, slots=True)
class Observed:
    """Features as they are now, each with its reference, and what could not be counted.

    ``reference`` says what they are compared with, ``profile_id`` is its digest. ``unusable`` are results for features
    that the reference does not have. ``traffic`` is None for data from files.
    """

    reference: str
    profile_id: str
    observations: tuple[Observation, ...]
    unusable: tuple[DriftResult, ...] = ()
    remarks: tuple[str, ...] = ()
    traffic: ReportedTraffic | None = None
    sampled: int | None = None


def judged(observed: Observed, limits: Limits | None = None, more: Sequence[DriftResult] = ()) -> DriftReport:
    """The report on what was counted; ``more`` are results about all features together."""
    limits = limits or Limits()
    observations = observed.observations
    if observed.traffic is not None:
        observations = tuple(map(refuse_other_types, observations))
    return DriftReport(
        results=(*compare(observations, limits), *observed.unusable, *more),
        remarks=observed.remarks,
        reference=observed.reference,
        profile_id=observed.profile_id,
        level=limits.level,
        smallest_effect=limits.smallest_effect,
        traffic=observed.traffic,
        sampled=observed.sampled,
    )
