"""What drift analysis says about a feature: the statistic, its value, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FeatureKind(StrEnum):
    """What a column of a model's traffic is: an input of either type, what the model predicted, or how surely."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    PREDICTION = "prediction"
    SCORE = "score"


class Statistic(StrEnum):
    """A measure of how far two distributions are apart.

    ``js_ln`` and ``js_2`` are the Jensen-Shannon distance in nats and in bits; ``wasserstein_normed`` is in standard
    deviations of the reference; ``missing`` and ``new_category`` are differences of shares. ``auc`` and
    ``reconstruction`` are of all features together; ``adwin`` and ``page_hinkley`` count the changes in a stream.
    """

    PSI = "psi"
    KS = "ks"
    JS_LN = "js_ln"
    JS_2 = "js_2"
    WASSERSTEIN = "wasserstein"
    WASSERSTEIN_NORMED = "wasserstein_normed"
    HELLINGER = "hellinger"
    TVD = "tvd"
    LINF = "linf"
    CHI2 = "chi2"
    MISSING = "missing"
    NEW_CATEGORY = "new_category"
    AUC = "auc"
    RECONSTRUCTION = "reconstruction"
    ADWIN = "adwin"
    PAGE_HINKLEY = "page_hinkley"


class DriftVerdict(StrEnum):
    """What follows: ``insufficient`` is too little data to say ``ok``; ``invalid`` is data that cannot be compared."""

    OK = "ok"
    DRIFT = "drift"
    INSUFFICIENT = "insufficient"
    INVALID = "invalid"


class Compatibility(StrEnum):
    """Another tool whose numbers and rules are reproduced."""

    EVIDENTLY = "evidently"
    NANNYML = "nannyml"


@dataclass(frozen=True, slots=True)
class DriftResult:
    """One statistic of one feature.

    ``value``, ``p_value`` and ``threshold`` are None where they do not exist. ``n_reference`` and ``n_current`` count
    all rows, the missing ones (null or NaN) included. ``decides`` marks the statistic that the feature's verdict rests
    on; the other ones of a feature inform. ``reason`` says what the reader must know to understand the verdict.
    """

    feature: str
    kind: FeatureKind
    statistic: Statistic
    value: float | None
    p_value: float | None
    threshold: float | None
    verdict: DriftVerdict
    n_reference: int
    n_current: int
    missing_reference: int
    missing_current: int
    decides: bool = False
    reason: str = ""


def overall(verdicts: set[DriftVerdict]) -> DriftVerdict:
    """The verdict over many features: drift beats what could not be judged, and that beats ``ok``.

    Without any feature nothing was judged.
    """
    for worse in (DriftVerdict.DRIFT, DriftVerdict.INVALID, DriftVerdict.INSUFFICIENT):
        if worse in verdicts:
            return worse
    return DriftVerdict.OK if verdicts else DriftVerdict.INSUFFICIENT
