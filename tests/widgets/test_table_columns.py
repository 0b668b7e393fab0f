"""Sharing the width: nothing overlaps, nothing is wasted that a column could take."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.widgets.table_columns import ALWAYS, GAP, Column, place, total_width

columns = st.lists(
    st.builds(
        Column,
        key=st.just("k"),
        title=st.just("T"),
        min_width=st.integers(1, 20),
        max_width=st.sampled_from([0, 20, 40]),
        flex=st.integers(0, 3),
        priority=st.sampled_from([0, 1, 5, 50, ALWAYS]),
    ),
    min_size=1,
    max_size=8,
)


@given(columns, st.integers(0, 200))
def test_columns_stand_side_by_side_and_keep_their_least_width(given_columns: list[Column], available: int) -> None:
    placed = place(given_columns, available)
    for before, after in pairwise(placed):
        assert after.start == before.start + before.width + GAP
        assert after.index > before.index
    assert all(column.width >= column.column.min_width for column in placed)
    for column in placed:
        most = column.column.max_width or column.width
        assert column.width <= max(most, column.column.min_width)


@given(columns, st.integers(0, 200))
def test_what_fits_is_shown_and_what_does_not_drops_in_its_order(given_columns: list[Column], available: int) -> None:
    placed = place(given_columns, available)
    shown = {column.index for column in placed}
    dropped = [column for index, column in enumerate(given_columns) if index not in shown]
    assert all(column.priority < ALWAYS for column in dropped)
    if dropped and placed:
        droppable = [column.column.priority for column in placed if column.column.priority < ALWAYS]
        assert max(column.priority for column in dropped) <= min(droppable, default=ALWAYS)
    if total_width(placed) > available:
        assert all(column.column.priority == ALWAYS for column in placed)


def test_spare_width_goes_to_flexible_columns_in_proportion() -> None:
    wide = [Column("a", "A", 10, flex=1), Column("b", "B", 10), Column("c", "C", 10, flex=3)]
    assert [column.width for column in place(wide, 30 + 2 * GAP + 40)] == [20, 10, 40]
