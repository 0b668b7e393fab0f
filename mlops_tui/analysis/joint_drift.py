"""Drift that no single feature shows, from rows: what is said of it, in the form of a result of all features."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.multivariate import reconstruction, separation
from mlops_tui.analysis.raw_columns import RawColumn, RawNumbers, RawTexts, Unusable
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.drift import DriftResult, DriftVerdict, FeatureKind, Statistic

ALL_FEATURES = "(all features)"
# Drawn from either side: more rows find smaller differences than matter here.
MOST_ROWS = 5_000
# Below this the samples are told apart so seldom that it does not matter how surely.
SMALLEST_AUC = 0.55

_MOST_CATEGORIES = 5
_FEWEST_PERMUTATIONS = 199
_MOST_PERMUTATIONS = 1_999
_SEED = 20_260_301

_Matrix = NDArray[np.float64]


def joint_results(
    reference: Mapping[str, RawColumn], current: Mapping[str, RawColumn], limits: Limits
) -> tuple[DriftResult, ...]:
    """How well a classifier tells the two tables apart, which decides, and what the reference's directions explain.

    Columns that cannot be read in both are left out. Categories become a column for each of the five most frequent
    ones in the reference.
    """
    pairs = [(column, current[name]) for name, column in reference.items() if name in current]
    usable = [pair for pair in pairs if not any(isinstance(column, Unusable) for column in pair)]
    ours, theirs = (_drawn(_matrix(usable, side)) for side in (0, 1))
    fewest = min(len(ours), len(theirs))
    if not ours.shape[1] or fewest < limits.fewest_rows:
        reason = f"it takes {limits.fewest_rows} rows on either side, and columns that both have"
        return (_result(Statistic.AUC, None, None, DriftVerdict.INSUFFICIENT, (len(ours), len(theirs)), reason),)
    wanted = math.ceil(2 / limits.level) - 1
    tested = separation(
        ours, theirs, permutations=min(max(_FEWEST_PERMUTATIONS, wanted), _MOST_PERMUTATIONS), seed=_SEED
    )
    explained = reconstruction(ours, theirs, seed=_SEED)
    is_drift = tested.p_value <= limits.level and tested.auc >= SMALLEST_AUC
    verdict = DriftVerdict.DRIFT if is_drift else DriftVerdict.OK
    rows = (len(ours), len(theirs))
    growth = explained.current_error / explained.reference_error - 1 if explained.reference_error else 0.0
    words = f"the distance from the reference's {explained.directions} main directions changed by {growth:+.1%}"
    reason = f"{tested.permutations} permutations of {2 * fewest:,} rows; {words}"
    return (
        _result(Statistic.AUC, tested.auc, tested.p_value, verdict, rows, reason, threshold=SMALLEST_AUC, decides=True),
        _result(Statistic.RECONSTRUCTION, explained.current_error, explained.p_value, verdict, rows, words),
    )


def _matrix(pairs: list[tuple[RawColumn, RawColumn]], side: int) -> _Matrix:
    columns: list[_Matrix] = []
    for pair in pairs:
        column = pair[side]
        if all(isinstance(item, RawNumbers) for item in pair):
            assert isinstance(column, RawNumbers)  # noqa: S101 - as was just looked at
            columns.append(np.where(np.isfinite(column.values), column.values, np.nan))
        else:
            columns += _indicators(_texts(pair[0]), _texts(column))
    return np.column_stack(columns) if columns else np.empty((0, 0))


def _texts(column: RawColumn) -> RawTexts:
    if isinstance(column, RawNumbers):
        return column.texts()
    assert isinstance(column, RawTexts)  # noqa: S101 - the others were left out
    return column


def _indicators(reference: RawTexts, column: RawTexts) -> list[_Matrix]:
    chosen = [category for category, _ in reference.counts().most_common(_MOST_CATEGORIES)]
    values = np.array([value or "" for value in column.values], dtype=object)
    return [(values == category).astype(np.float64) for category in chosen]


def _drawn(rows: _Matrix) -> _Matrix:
    if len(rows) <= MOST_ROWS:
        return rows
    chosen = np.random.default_rng(_SEED).choice(len(rows), MOST_ROWS, replace=False)
    drawn: _Matrix = rows[np.sort(chosen)]
    return drawn


def _result(
    statistic: Statistic,
    value: float | None,
    p_value: float | None,
    verdict: DriftVerdict,
    rows: tuple[int, int],
    reason: str,
    *,
    threshold: float | None = None,
    decides: bool = False,
) -> DriftResult:
    return DriftResult(
        feature=ALL_FEATURES,
        kind=FeatureKind.NUMERIC,
        statistic=statistic,
        value=value,
        p_value=p_value,
        threshold=threshold,
        verdict=verdict,
        n_reference=rows[0],
        n_current=rows[1],
        missing_reference=0,
        missing_current=0,
        decides=decides or value is None,
        reason=reason,
    )
