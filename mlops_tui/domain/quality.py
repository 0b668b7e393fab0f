"""How good a model's predictions are: figures with intervals, measured by labels or estimated without them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.inferences import Subject


class QualityMetric(StrEnum):
    """A measure of predictions against the truth; ``calibration`` is the expected calibration error."""

    ACCURACY = "accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    AUC = "auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    CALIBRATION = "calibration"
    MAE = "mae"
    RMSE = "rmse"


class IntervalMethod(StrEnum):
    """Where an interval of 95 % comes from.

    ``wilson``: Wilson's score interval of a share. ``delong``: DeLong's variance on the logit of the area. ``normal``:
    the mean of errors plus and minus 1.96 standard errors. ``bootstrap``: rows drawn again, with a fixed seed.
    ``simulation``: truths drawn from the scores, with a fixed seed; the interval is of the value that labels will show.
    """

    WILSON = "wilson"
    DELONG = "delong"
    NORMAL = "normal"
    BOOTSTRAP = "bootstrap"
    SIMULATION = "simulation"


class QualityTask(StrEnum):
    """What is predicted: one of two classes, one of several, or a number."""

    BINARY = "binary"
    CLASSES = "classes"
    NUMERIC = "numeric"


@dataclass(frozen=True, slots=True)
class QualityFigure:
    """One metric with its interval of 95 %.

    ``n`` counts the rows it rests on: the predicted positives of a precision, the actual ones of a recall, all rows of
    the others. ``value`` is None where the metric does not exist, and ``reason`` then says why.
    """

    metric: QualityMetric
    value: float | None
    lower: float | None
    upper: float | None
    method: IntervalMethod
    n: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutputWish:
    """What a person said about what is held against what; None and "" leave it to the data."""

    output: str = ""
    task: QualityTask | None = None
    positive: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is held against what.

    ``output`` names the truth and the prediction it is compared with, ``score`` the predicted probability of
    ``positive``. Where ``decision`` is "" the class is
    that of a score of at least ``threshold``. ``reasons`` say how all
    this was chosen where nobody said so.
    """

    task: QualityTask
    output: str
    decision: str = ""
    score: str = ""
    positive: str = ""
    threshold: float = 0.5
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EstimateCheck:
    """The accuracy that labels show against the one that the same rows' scores promised.

    ``p_value`` is that of a difference as great in either direction if the scores are true probabilities; it is None
    where the two say nothing of each other. ``is_contradicted`` holds over all windows that were looked at together
    (Benjamini-Hochberg): the concept changed, or the scores are no longer calibrated, and estimates cannot be trusted.
    """

    n: int
    expected: float
    realised: float
    p_value: float
    is_contradicted: bool = False


@dataclass(frozen=True, slots=True)
class QualityWindow:
    """One stretch of time: how many predictions, how many of them labelled by now, and what they say.

    ``realised`` is of the labelled ones; ``estimated`` of all of them, from their scores alone.
    """

    window: Stretch
    predictions: int
    labelled: int
    realised: tuple[QualityFigure, ...] = ()
    estimated: tuple[QualityFigure, ...] = ()
    check: EstimateCheck | None = None

    @property
    def labelled_share(self) -> float | None:
        """Which share of the predictions has a label by now, None without any prediction."""
        return min(1.0, self.labelled / self.predictions) if self.predictions else None

    def figure(self, metric: QualityMetric, *, is_estimate: bool = False) -> QualityFigure | None:
        """One of its figures."""
        figures = self.estimated if is_estimate else self.realised
        return next((figure for figure in figures if figure.metric is metric), None)


@dataclass(frozen=True, slots=True)
class TrafficFigures:
    """The requests of one stretch of time; latencies are in seconds and None without a request."""

    window: Stretch
    requests: int
    errors: int
    error_share: float | None
    error_lower: float
    error_upper: float
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class QualitySlice:
    """The labelled predictions with one value of an attribute, against all the others.

    ``figure`` is the accuracy, or the mean absolute error of numbers; ``rest`` the same of the others. ``p_value`` is
    that of being so much worse by chance. ``is_conspicuous`` holds over all values together (Benjamini-Hochberg, 5 %).
    """

    value: str
    n: int
    figure: QualityFigure
    rest: float | None
    p_value: float | None
    is_conspicuous: bool = False


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores were turned into probabilities: by the labels of ``rows`` earlier predictions, or not at all."""

    is_fitted: bool
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """The quality of one version on one arm in one environment, window by window, the oldest first.

    ``whole`` is all windows together. ``outputs`` is None while no prediction has a label and no score is known.
    ``by`` is the attribute that ``slices`` are of, the largest first; values with too few rows are only counted in
    ``slices_left``. ``sampled`` is how many spans the figures rest on where the source could not count every one.
    """

    model: str
    subject: Subject
    width: timedelta
    outputs: Outputs | None
    windows: tuple[QualityWindow, ...]
    whole: QualityWindow
    traffic: tuple[TrafficFigures, ...]
    calibration: Calibration
    by: str = ""
    slices: tuple[QualitySlice, ...] = ()
    slices_left: int = 0
    sampled: int | None = None
    remarks: tuple[str, ...] = ()
