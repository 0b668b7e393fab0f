from __future__ import annotations

from mlops_tui.cli.tables import Column, layout

RUN_ID = "2b7dadf9-7702-480a-9f09-ca01be05cf39"


def test_a_column_that_is_whole_is_never_cut() -> None:
    columns = (Column("run", "run", is_whole=True), Column("name", "name"))
    lines = layout(columns, [[RUN_ID, "a name that is longer than there is room for"]], 50)
    assert lines[1].startswith(f"{RUN_ID}  a name")
    assert max(map(len, lines)) == 50


def test_where_nothing_can_be_narrower_the_line_is_longer_than_the_terminal() -> None:
    (_, line) = layout((Column("run", "run", is_whole=True), Column("name", "name")), [[RUN_ID, "a name"]], 20)
    assert line == f"{RUN_ID}  a name"
