"""Drift of one column with the numbers, thresholds and rules of another tool."""

from __future__ import annotations

import math

import numpy as np

from mlops_tui.analysis import evidently, nannyml
from mlops_tui.analysis.raw_columns import RawColumn, RawNumbers, RawTexts, ToolFigure, Unusable
from mlops_tui.domain.drift import Compatibility, DriftResult, DriftVerdict, FeatureKind, Statistic


def compare_like(
    tool: Compatibility, name: str, kind: FeatureKind | None, reference: RawColumn, current: RawColumn
) -> list[DriftResult]:
    """Compare one column; ``kind`` is what the user says it is, None where the tool's own rule decides.

    Where the tool would give up, there is one result that says why.
    """
    if isinstance(reference, Unusable):
        return [_invalid(name, kind, reference, current, f"in the reference {reference.reason}")]
    if isinstance(current, Unusable):
        return [_invalid(name, kind, reference, current, current.reason)]
    chosen = kind or (FeatureKind.CATEGORICAL if _is_categorical(tool, reference, current) else FeatureKind.NUMERIC)
    if isinstance(reference, RawNumbers) and chosen is not FeatureKind.CATEGORICAL:
        if isinstance(current, RawTexts):
            reason = "it holds text where numbers are expected"
            return [_invalid(name, chosen, reference, current, reason)]
        reason = _numeric_obstacle(tool, reference, current)
        figures = [] if reason else _numeric(tool, reference, current)
    else:
        ours, theirs = _as_texts(reference), _as_texts(current)
        reason = "" if ours.missing < ours.rows and theirs.missing < theirs.rows else "there are no values"
        if kind is None and tool is Compatibility.EVIDENTLY and evidently.is_free_text(theirs):
            reason = reason or "Evidently takes it for prose, which is not compared here"
        figures = [] if reason else _categorical(tool, ours, theirs)
    if reason:
        return [_invalid(name, chosen, reference, current, reason)]
    return [_result(name, chosen, figure, reference, current) for figure in figures]


def _is_categorical(tool: Compatibility, reference: RawNumbers | RawTexts, current: RawNumbers | RawTexts) -> bool:
    match tool:
        case Compatibility.EVIDENTLY:
            return evidently.is_categorical(current)
        case Compatibility.NANNYML:
            return isinstance(reference, RawTexts)


def _numeric(tool: Compatibility, reference: RawNumbers, current: RawNumbers) -> list[ToolFigure]:
    match tool:
        case Compatibility.EVIDENTLY:
            return evidently.numeric_figures(reference, current)
        case Compatibility.NANNYML:
            return nannyml.numeric_figures(reference, current)


def _categorical(tool: Compatibility, reference: RawTexts, current: RawTexts) -> list[ToolFigure]:
    match tool:
        case Compatibility.EVIDENTLY:
            return evidently.categorical_figures(reference, current)
        case Compatibility.NANNYML:
            return nannyml.categorical_figures(reference, current)


def _numeric_obstacle(tool: Compatibility, reference: RawNumbers, current: RawNumbers) -> str:
    if not len(reference.finite()) or not len(current.finite()):
        return "there are no finite values"
    has_infinity = bool(np.isinf(reference.values).any() or np.isinf(current.values).any())
    return "NannyML takes no infinite values" if tool is Compatibility.NANNYML and has_infinity else ""


def _as_texts(column: RawNumbers | RawTexts) -> RawTexts:
    return column if isinstance(column, RawTexts) else column.texts()


def _result(
    name: str, kind: FeatureKind, figure: ToolFigure, reference: RawNumbers | RawTexts, current: RawNumbers | RawTexts
) -> DriftResult:
    return DriftResult(
        feature=name,
        kind=kind,
        statistic=figure.statistic,
        value=figure.value if figure.value is None or math.isfinite(figure.value) else None,
        p_value=figure.p_value,
        threshold=figure.threshold,
        verdict=DriftVerdict.DRIFT if figure.is_drift else DriftVerdict.OK,
        n_reference=reference.rows,
        n_current=current.rows,
        missing_reference=reference.missing,
        missing_current=current.missing,
        decides=figure.decides,
        reason=figure.reason,
    )


def _invalid(name: str, kind: FeatureKind | None, reference: RawColumn, current: RawColumn, reason: str) -> DriftResult:
    sides = [(0, 0) if isinstance(side, Unusable) else (side.rows, side.missing) for side in (reference, current)]
    verdict = DriftVerdict.INSUFFICIENT if any(rows == 0 for rows, _ in sides) else DriftVerdict.INVALID
    if isinstance(reference, Unusable) or isinstance(current, Unusable):
        verdict = DriftVerdict.INVALID
    return DriftResult(
        feature=name,
        kind=kind or FeatureKind.NUMERIC,
        statistic=Statistic.PSI if kind is not FeatureKind.CATEGORICAL else Statistic.CHI2,
        value=None,
        p_value=None,
        threshold=None,
        verdict=verdict,
        n_reference=sides[0][0],
        n_current=sides[1][0],
        missing_reference=sides[0][1],
        missing_current=sides[1][1],
        decides=True,
        reason=reason,
    )
