"""Profiles and tallies come out alike to the bit however the data are split, and their counts are true."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.analysis import profiles
from mlops_tui.analysis.profile_documents import dump_profile, load_profile
from mlops_tui.analysis.profiles import CategoricalReference, NumericReference, reference_profile
from mlops_tui.analysis.tallies import NumericTally
from mlops_tui.analysis.value_tables import ValueTable
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile, NumericBins, ProfileError
from tests.analysis.drift_samples import Floats, any_value, counted, counted_texts, numbers, profiled, profiled_texts


def true_counts(bins: NumericBins, values: Floats) -> tuple[int, ...]:
    """Counted one by one, by the definition."""
    edges = [-np.inf, *bins.edges, np.inf]
    finite = values[np.isfinite(values)]
    return tuple(int(np.sum((finite > low) & (finite <= high))) for low, high in pairwise(edges))


def split(values: Floats, cuts: list[int]) -> list[Floats]:
    return np.split(values, sorted(cut % (len(values) + 1) for cut in cuts))


@given(numbers(any_value, least=1), st.lists(st.integers(0, 300), max_size=5), st.randoms(use_true_random=False))
def test_any_split_and_order_gives_the_same_file(values: Floats, cuts: list[int], order: Any) -> None:
    if not np.isfinite(values).any():
        return
    whole = dump_profile(reference_profile([profiled(values)]))
    parts = split(values, cuts)
    order.shuffle(parts)
    merged = NumericReference()
    for part in parts:
        reference = NumericReference()
        reference.add(part)
        merged = reference.merged(merged)
    assert dump_profile(reference_profile([merged.profile("x", FeatureKind.NUMERIC)])) == whole


@pytest.mark.parametrize("seed", range(4))
def test_any_split_of_more_values_than_a_table_holds_gives_the_same_file(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = np.concatenate(
        [draw.normal(size=4_000), draw.lognormal(8, 3, 4_000), np.full(600, 0.25), draw.normal(1e6, 1e-6, 500)]
    )
    draw.shuffle(values)

    def small(batch: int, parts: list[Floats]) -> FeatureProfile:
        merged = NumericReference(256, batch)
        for part in parts:
            reference = NumericReference(256, batch)
            reference.add(part)
            merged = merged.merged(reference)
        return merged.profile("x", FeatureKind.NUMERIC, 40)

    whole = small(100_000, [values])
    assert isinstance(whole.bins, NumericBins)
    assert whole.counts.counts == true_counts(whole.bins, values)
    assert small(700, np.split(values, [10, 2_000, 2_001])) == whole
    assert small(50, np.split(np.sort(values), [1, 5, 4_000])) == whole
    assert small(1, [values[::-1][:300], values[::-1][300:]]) == whole


@given(numbers(any_value, least=1), numbers(any_value, least=0), st.integers(3, 60))
def test_counts_are_those_of_the_definition(reference: Floats, current: Floats, most: int) -> None:
    if not np.isfinite(reference).any():
        return
    profile = profiled(reference, most_bins=most)
    assert isinstance(profile.bins, NumericBins)
    assert profile.bins.size <= most
    assert profile.counts == counted(profile, reference)
    values = counted(profile, current)
    assert values.counts == true_counts(profile.bins, current)
    assert values.n == len(current)
    assert (values.nan, values.pos_inf, values.neg_inf) == (
        np.isnan(current).sum(),
        np.sum(current == np.inf),
        np.sum(current == -np.inf),
    )
    finite = current[np.isfinite(current)]
    assert (values.min, values.max) == ((finite.min(), finite.max()) if len(finite) else (None, None))


@given(numbers(any_value, least=2), numbers(any_value, least=0), st.lists(st.integers(0, 300), max_size=4))
def test_tallies_of_parts_add_up_to_that_of_the_whole(reference: Floats, current: Floats, cuts: list[int]) -> None:
    if not np.isfinite(reference).any():
        return
    profile = profiled(reference)
    assert isinstance(profile.bins, NumericBins)
    merged = NumericTally(profile.bins)
    for part in split(current, cuts):
        tally = NumericTally(profile.bins)
        tally.add(part)
        merged = tally.merged(merged)
    assert merged.counts() == counted(profile, current)


def test_a_frequent_value_has_a_bin_of_its_own() -> None:
    draw = np.random.default_rng(0)
    values = np.concatenate([np.zeros(3_000), draw.normal(size=20_000)])
    bins = profiled(values, most_bins=100).bins
    assert isinstance(bins, NumericBins)
    place = bins.edges.index(0.0)
    assert bins.edges[place - 1] == -5e-324
    assert profiled(values, most_bins=100).counts.counts[place] == 3_000


def test_few_different_values_have_a_bin_each_and_what_lies_between_shows() -> None:
    profile = profiled(np.array([1.0, 2.0, 2.0, 5.0]))
    assert counted(profile, np.array([0.0, 1.0, 1.5, 2.0, 5.0, 9.0])).counts == (1, 1, 1, 1, 0, 1, 1)


def test_bins_hold_about_equal_shares() -> None:
    profile = profiled(np.random.default_rng(1).lognormal(size=200_000))
    counts = np.array(profile.counts.counts)
    assert len(counts) > 900
    assert counts.max() < 2.5 * counts.mean()


def test_a_table_stays_small_and_keeps_single_values_exact() -> None:
    values = np.sort(np.concatenate([np.random.default_rng(2).normal(size=50_000), np.full(9_000, 0.5)]))
    table = ValueTable.of(values, most=1_000)
    assert len(table.counts) <= 1_000
    assert table.counts.sum() == len(values)
    assert (table.lows <= table.highs).all()
    assert (table.highs[:-1] < table.lows[1:]).all()


def test_missing_values_are_not_nan() -> None:
    profile = profiled(np.array([1.0, 2.0]))
    values = counted(profile, np.array([np.nan, np.nan, np.nan, 1.0]), missing=2)
    assert (values.missing, values.nan, values.absent) == (2, 1, 3)


def test_moments_are_those_of_the_values() -> None:
    values = np.random.default_rng(3).normal(50, 3, 10_000)
    counts = profiled(values).counts
    assert counts.mean == pytest.approx(values.mean(), rel=1e-14)
    assert counts.deviation == pytest.approx(values.std(), rel=1e-10)


def test_rare_categories_share_the_last_bin_with_new_ones() -> None:
    profile = profiled_texts([*"aaabbc", None, "d"], most_bins=3)
    assert profile.bins == CategoryBins(("a", "b"))
    assert profile.counts.counts == (3, 2, 2)
    assert counted_texts(profile, ["a", "z", None]).counts == (1, 0, 1)


@given(st.lists(st.sampled_from("abcdef"), min_size=1), st.integers(0, 20))
def test_categories_come_out_alike_however_they_are_split(texts: list[str], cut: int) -> None:
    first, second = CategoricalReference(), CategoricalReference()
    first.add(Counter(texts[:cut]))
    second.add(Counter(texts[cut:]))
    assert second.merged(first).profile("x", FeatureKind.CATEGORICAL) == profiled_texts(texts)


def test_a_column_where_every_row_has_a_text_of_its_own_is_refused() -> None:
    reference = CategoricalReference()
    reference.add({str(place): 1 for place in range(profiles.MOST_CATEGORIES + 1)})
    with pytest.raises(ProfileError, match="different texts"):
        reference.profile("id", FeatureKind.CATEGORICAL)


def a_profile() -> Any:
    draw = np.random.default_rng(4)
    return reference_profile(
        [profiled(draw.lognormal(size=3_000), "amount"), profiled_texts(["é", "b", None, "b"], "country")]
    )


def test_a_file_reads_back_as_it_was() -> None:
    profile = a_profile()
    again = load_profile(dump_profile(profile), "file")
    assert again == profile
    assert again.profile_id == profile.profile_id
    assert dump_profile(again) == dump_profile(profile)


def test_a_profile_of_extreme_numbers_reads_back() -> None:
    profile = reference_profile([profiled(np.array([1.7e308, 1.7e308, -1.7e308, 5e-324, -0.0]))])
    assert load_profile(dump_profile(profile), "file") == profile


@settings(max_examples=60)
@given(st.data())
def test_a_file_that_was_cut_or_changed_is_refused(data: st.DataObject) -> None:
    whole = dump_profile(a_profile())
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 2))]
    else:
        place = data.draw(st.integers(0, len(whole) - 2))
        damaged = whole[:place] + bytes([data.draw(st.integers(32, 126))]) + whole[place + 1 :]
    if damaged != whole:
        with pytest.raises(ProfileError):
            load_profile(damaged, "p.json")


@pytest.mark.parametrize(
    "change",
    [
        {"features": None},
        {"features": [1]},
        {"features": [{"name": "x"}]},
        {"$schema": "mlops-tui/profile/9"},
        {"id": "0" * 64},
    ],
)
def test_a_foreign_file_is_refused_with_its_name(change: dict[str, Any]) -> None:
    document = json.loads(dump_profile(a_profile())) | change
    with pytest.raises(ProfileError, match=r"p\.json"):
        load_profile(json.dumps(document, separators=(",", ":")).encode(), "p.json")


def test_the_identity_does_not_depend_on_the_order_of_features() -> None:
    profile = a_profile()
    assert reference_profile(reversed(profile.features)).profile_id == profile.profile_id


def test_counts_that_do_not_add_up_cannot_be() -> None:
    with pytest.raises(ValueError, match="add up"):
        FeatureCounts(3, 0, 0, 0, 0, 0.0, 0.0, None, None, (1, 1))
    with pytest.raises(ValueError, match="as many counts"):
        FeatureProfile(
            "x", FeatureKind.NUMERIC, NumericBins((1.0,)), FeatureCounts(1, 0, 0, 0, 0, 0.0, 0.0, None, None, (1,))
        )
    with pytest.raises(ValueError, match="increase"):
        NumericBins((1.0, 1.0))
