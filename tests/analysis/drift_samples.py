"""Samples that are hard on bins and sums, and shorthands to profile and count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlops_tui.analysis.profiles import CategoricalReference, NumericReference
from mlops_tui.analysis.tallies import tally_of
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile, NumericBins

Floats = NDArray[np.float64]

_EDGE_CASES = [0.0, -0.0, 1.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-300, 0.1, 1e16, 1.7e308, -1.7e308, 1e154]

any_number = st.one_of(st.sampled_from(_EDGE_CASES), st.floats(allow_nan=False, allow_infinity=False))
tame_number = st.one_of(
    st.integers(-5, 5).map(float), st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from([0.0, -0.0, 1e-3])
)
any_value = st.one_of(any_number, st.sampled_from([np.nan, np.inf, -np.inf]))


def numbers(values: st.SearchStrategy[float], least: int = 1, most: int = 200) -> st.SearchStrategy[Floats]:
    """Arrays of these values."""
    return st.lists(values, min_size=least, max_size=most).map(lambda items: np.array(items, np.float64))


def profiled(values: Floats, name: str = "x", most_bins: int = 1_000) -> FeatureProfile:
    """The profile of numbers."""
    reference = NumericReference()
    reference.add(values, 0)
    return reference.profile(name, FeatureKind.NUMERIC, most_bins)


def profiled_texts(values: Sequence[str | None], name: str = "x", most_bins: int = 1_000) -> FeatureProfile:
    """The profile of texts."""
    reference = CategoricalReference()
    counts = Counter(value for value in values if value is not None)
    reference.add(counts, len(values) - counts.total())
    return reference.profile(name, FeatureKind.CATEGORICAL, most_bins)


def counted(profile: FeatureProfile, values: Floats, missing: int = 0) -> FeatureCounts:
    """Numbers in the bins of a profile; the first ``missing`` NaN are missing values."""
    assert isinstance(profile.bins, NumericBins)
    tally = tally_of(profile.bins)
    tally.add(values, missing)  # type: ignore[arg-type]  # the tally of numeric bins takes numbers
    return tally.counts()


def counted_texts(profile: FeatureProfile, values: Sequence[str | None]) -> FeatureCounts:
    """Texts in the bins of a profile."""
    assert isinstance(profile.bins, CategoryBins)
    tally = tally_of(profile.bins)
    counts = Counter(value for value in values if value is not None)
    tally.add(counts, len(values) - counts.total())  # type: ignore[arg-type]  # that of categories takes counts
    return tally.counts()
