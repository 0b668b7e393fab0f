"""Two distributions side by side: bars on one scale, what is there is seen, and the lines at hand are enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.drift_windows import Cell, FeatureDistribution, Stretch
from mlops_tui.screens.drift_pairs import FittedPairs
from mlops_tui.widgets.pair_lines import Pair, PairData, bar_text, pair_lines, percent
from mlops_tui.widgets.text_layout import line_width, plain_text
from tests.clocks import START
from tests.operations.serving import WIDTH

DATA = PairData(totals=(1_000, 100), pairs=(Pair("de", 500, 20), Pair("a very long name of a country", 1, 80)))


def distribution(cells: list[Cell]) -> FeatureDistribution:
    ours, theirs = sum(cell.reference for cell in cells), sum(cell.current for cell in cells)
    return FeatureDistribution("amount", FeatureKind.NUMERIC, Stretch(START, WIDTH), ours, theirs, tuple(cells))


@pytest.mark.parametrize("width", [40, 60, 120])
def test_both_sides_share_a_scale_and_fit(width: int) -> None:
    lines = pair_lines(DATA, width)
    assert all(line_width(line) <= width for line in lines)
    first, second = (line[3].text.count("█") for line in lines[1:])
    assert second > first
    assert "<0.1%" not in plain_text(lines[1])
    assert "0.1%" in plain_text(lines[2])


def test_the_least_share_is_seen_and_none_is_not() -> None:
    assert bar_text(1e-9, 10).strip()
    assert not bar_text(0.0, 10).strip()
    assert bar_text(1.0, 10) == "█" * 10
    assert (percent(0.0), percent(0.0004), percent(1.0)) == ("0.0%", "<0.1%", "100.0%")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=24), st.integers(3, 24))
def test_ranges_are_put_together_without_losing_a_row(counts: list[tuple[int, int]], lines: int) -> None:
    cells = [
        Cell("", *pair, low=float(place) if place else None, high=float(place + 1)) for place, pair in enumerate(counts)
    ]
    cells.append(Cell("missing", 3, 4))
    fitted = FittedPairs(distribution(cells))(lines)
    assert len(fitted.pairs) <= lines
    assert sum(pair.first for pair in fitted.pairs) == sum(cell.reference for cell in cells)
    assert sum(pair.second for pair in fitted.pairs) == sum(cell.current for cell in cells)
    assert (fitted.pairs[-1].label, fitted.pairs[-1].is_special) == ("missing", True)


def test_the_commonest_categories_keep_their_lines() -> None:
    cells = [Cell(name, 10 - place, 5) for place, name in enumerate("abcdefg")]
    fitted = FittedPairs(distribution([*cells, Cell("new or rare", 0, 9)]))(4)
    assert [pair.label for pair in fitted.pairs] == ["a", "b", "the others", "new or rare"]
    assert FittedPairs(distribution(cells))(20).pairs[-1].label == "g"
