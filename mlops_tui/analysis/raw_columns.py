"""Columns whose every value is at hand, for formulas that counts in bins cannot answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.domain.drift import Statistic


@dataclass(frozen=True, slots=True, eq=False)
class RawNumbers:
    """Numbers in the order of the rows, NaN where one is missing; ``is_whole`` if all were written as whole ones."""

    values: FloatArray
    is_whole: bool = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.values)

    @property
    def missing(self) -> int:
        """How many hold no value."""
        return int(np.isnan(self.values).sum())

    def finite(self) -> FloatArray:
        """The numbers without NaN and infinities."""
        return self.values[np.isfinite(self.values)]

    def texts(self) -> RawTexts:
        """The numbers as categories."""
        return RawTexts([None if value != value else repr(value) for value in self.values.tolist()])


@dataclass(frozen=True, slots=True, eq=False)
class RawTexts:
    """Texts in the order of the rows, None where one is missing."""

    values: Sequence[str | None]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.values)

    @property
    def missing(self) -> int:
        """How many hold no value."""
        return sum(value is None for value in self.values)

    def present(self) -> list[str]:
        """The texts that are there."""
        return [value for value in self.values if value is not None]

    def counts(self) -> Counter[str]:
        """How often each comes."""
        return Counter(self.present())


@dataclass(frozen=True, slots=True)
class Unusable:
    """A column that cannot be read as either, and why."""

    reason: str


RawColumn: TypeAlias = RawNumbers | RawTexts | Unusable


@dataclass(frozen=True, slots=True)
class ToolFigure:
    """One figure as another tool has it, with its threshold, which is one of the p-value where ``is_p`` says so."""

    statistic: Statistic
    value: float | None
    p_value: float | None
    threshold: float | None
    is_drift: bool
    decides: bool = False
    reason: str = ""


def exact_wasserstein(ours: FloatArray, theirs: FloatArray) -> float:
    """The area between the empirical cumulative distributions of two samples."""
    ours, theirs = np.sort(ours), np.sort(theirs)
    places = np.sort(np.concatenate([ours, theirs]))
    gaps = np.searchsorted(ours, places[:-1], "right") / len(ours)
    gaps -= np.searchsorted(theirs, places[:-1], "right") / len(theirs)
    return float(np.sum(np.abs(gaps) * np.diff(places)))


def exact_kolmogorov_smirnov(ours: FloatArray, theirs: FloatArray) -> tuple[float, float]:
    """The greatest distance of two empirical distributions and its p-value, exact where scipy can."""
    import warnings

    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        # Where the exact law cannot be had, scipy takes the limit law and warns; the tools do the same.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = ks_2samp(ours, theirs)
    return float(result.statistic), float(result.pvalue)
