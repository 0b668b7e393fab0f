"""Markdown of strangers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.markdown_text import markdown_lines
from mlops_tui.widgets.text_layout import plain_text


def written(text: str) -> list[str]:
    return [plain_text(line).rstrip() for line in markdown_lines(text)]


def test_writes_headings_paragraphs_lists_and_code() -> None:
    text = "# Title\n\nSome *words* and `code`\ngo on.\n\n1. one\n   - deep\n2. two\n\n```python\nx = 1\n```\n"
    assert written(text) == [
        *("# Title", "", "Some words and code go on.", ""),
        *("1. one", "   • deep", "2. two", "", "  x = 1"),
    ]


def test_writes_tables_in_columns() -> None:
    assert written("| a | metric |\n|---|---|\n| 1 | **0.95** |\n| 2 | |") == ["a  metric", "1  0.95", "2"]


def test_addresses_stand_written_out_and_pictures_are_named() -> None:
    assert written("[docs](https://example.com/a) ![plot](https://example.com/p.png)") == [
        "docs <https://example.com/a> [picture: plot]"
    ]


def test_html_is_text() -> None:
    assert written("<script>alert(1)</script> <b>x</b>") == ["<script>alert(1)</script> <b>x</b>"]


def test_headings_are_titles() -> None:
    heading = markdown_lines("## Data")[0]
    assert [cell.token for cell in heading if cell.text == "Data"] == [Token.TITLE]


@given(st.text(alphabet="#*_-[]()<>`|!1. \n\tab\\", max_size=200))
def test_reads_anything(text: str) -> None:
    markdown_lines(text)
