"""Bars over a common time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.waterfall import BAR, CRITICAL, Stretch, bar

moments = st.floats(0, 1)
stretches = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))


def drawn(width: int, stretch: Stretch, *critical: Stretch) -> str:
    return "".join(cell.text for cell in bar(width, stretch, critical, Token.MUTED, Token.TITLE))


@given(st.integers(1, 80), stretches, stretches)
def test_a_bar_fits_its_width_and_is_never_invisible(width: int, stretch: Stretch, critical: Stretch) -> None:
    text = drawn(width, stretch, critical)
    assert len(text) <= width
    assert set(text.strip()) <= {BAR, CRITICAL}
    assert text.strip()


@given(st.integers(1, 80), stretches)
def test_what_is_critical_throughout_is_drawn_so_throughout(width: int, stretch: Stretch) -> None:
    lasting = stretch if stretch[1] - stretch[0] > 1e-6 else (0.0, 1.0)
    assert set(drawn(width, lasting, lasting).strip()) == {CRITICAL}


def test_bars_stand_where_their_time_was() -> None:
    assert drawn(10, (0.0, 1.0), (0.0, 0.2), (0.8, 1.0)) == "██━━━━━━██"
    assert drawn(10, (0.5, 0.5)) == "     ━"
    assert drawn(10, (1.0, 1.0)) == "         ━"
    assert drawn(10, (0.32, 0.41), (0.35, 0.41)) == "   ██"
    assert drawn(0, (0.0, 1.0)) == ""
