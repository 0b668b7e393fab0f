import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.run_columns_format import RunColumnsFormatError, dump_columns, load_columns
from mlops_tui.analysis.run_updates import updated
from mlops_tui.domain.filters import parse_field
from mlops_tui.domain.runs import Run
from tests.analysis.run_rows import TREES, columns_of, numbered, row_of
from tests.domain.filter_cases import runs

tables = st.lists(runs, max_size=8).map(numbered)


@given(tables)
def test_a_table_comes_back_as_it_was(table: list[Run]) -> None:
    columns = columns_of(table)
    back = load_columns(b"".join(dump_columns(columns)))
    assert repr([back.row(index).to_run() for index in range(len(back))]) == repr(
        [columns.row(index).to_run() for index in range(len(columns))]
    )
    assert list(dump_columns(back)) == list(dump_columns(columns))


@given(tables, tables)
def test_a_table_that_came_back_can_be_updated_and_sorted(table: list[Run], others: list[Run]) -> None:
    columns = columns_of(table)
    back = load_columns(b"".join(dump_columns(columns)))
    rows = [row_of(one) for one in others]
    one, other = updated(columns, rows, TREES), updated(back, rows, TREES)
    for name in ("params.lr", "name", "metrics.auc"):
        order = one.sort(parse_field(name), descending=False).tolist()
        assert other.sort(parse_field(name), descending=False).tolist() == order


@given(tables, st.data())
def test_damaged_bytes_are_refused(table: list[Run], data: st.DataObject) -> None:
    good = b"".join(dump_columns(columns_of(table)))
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = bytes([good[place] ^ data.draw(st.integers(1, 255))])
    for bad in (good[:place], good[:place] + flipped + good[place + 1 :], good + b"x"):
        with pytest.raises(RunColumnsFormatError):
            load_columns(bad)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(RunColumnsFormatError):
        load_columns(data)
