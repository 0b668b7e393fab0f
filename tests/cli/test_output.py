from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.cli.options import Format
from mlops_tui.cli.output import Listing, json_text, print_listing, print_snapshot
from mlops_tui.cli.tables import Column, cell_width, fitted, layout
from mlops_tui.domain.errors import UnreachableError
from mlops_tui.domain.snapshots import Snapshot

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLUMNS = (Column("name", "name"), Column("auc", "auc", is_number=True), Column("tags", "tags"))
ITEMS: tuple[Mapping[str, Any], ...] = (
    {"name": "first", "auc": 0.1 + 0.2, "tags": {"team": "risk"}, "at": NOW},
    {"name": "模型", "auc": math.nan, "tags": {}, "at": None},
)


def written(capsys: pytest.CaptureFixture[str], output: Format, items: tuple[Mapping[str, Any], ...] = ITEMS) -> str:
    print_listing(Listing("runs", COLUMNS, items, NOW, "gitlab.example.com"), output)
    return capsys.readouterr().out


def test_json_is_one_object_with_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(written(capsys, Format.JSON)) == {
        "schema": "mlops-tui/runs/1",
        "as_of": "2026-03-02T12:00:00.000Z",
        "source": "gitlab.example.com",
        "items": [
            {"name": "first", "auc": 0.1 + 0.2, "tags": {"team": "risk"}, "at": "2026-03-02T12:00:00.000Z"},
            {"name": "模型", "auc": "nan", "tags": {}, "at": None},
        ],
    }


def test_ndjson_is_the_items_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(capsys, Format.NDJSON).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["first", "模型"]


def test_a_table_is_aligned_by_what_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, Format.TABLE).splitlines() == [
        "NAME                   AUC  TAGS",
        "first  0.30000000000000004  team=risk",
        "模型                   nan  -",
    ]


def test_markdown_escapes_what_would_be_markup(capsys: pytest.CaptureFixture[str]) -> None:
    items = ({"name": "a|b *c* [d](e) <f>", "auc": 1, "tags": {}},)
    assert written(capsys, Format.MARKDOWN, items).splitlines() == [
        "| name | auc | tags |",
        "| --- | ---: | --- |",
        r"| a\|b \*c\* \[d\](e) \<f\> | 1 | - |",
    ]


@pytest.mark.parametrize("output", Format)
def test_no_text_steers_the_terminal(capsys: pytest.CaptureFixture[str], output: Format) -> None:
    nasty = "\x1b]0;title\x07\x9b31m\u202e\u2066\x85\u200b\r\n"
    text = written(capsys, output, ({"name": nasty, "auc": 1, "tags": {nasty: nasty}},))
    assert all(character.isprintable() or character == "\n" for character in text)


def test_json_keeps_what_it_must_spell(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "\x1b\x9b\u202e\u200b"
    text = written(capsys, Format.JSON, ({"name": nasty, "auc": 1, "tags": {}},))
    assert json.loads(text)["items"][0]["name"] == nasty


def test_what_the_encoding_lacks_is_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    print_listing(Listing("runs", COLUMNS, ITEMS, NOW, "here"), Format.TABLE)
    print_listing(Listing("runs", COLUMNS, ITEMS[1:], NOW, "here"), Format.NDJSON)
    assert json.loads(raw.getvalue().splitlines()[-1])["name"] == "模型"


def test_a_pipe_gets_whole_texts_and_a_terminal_what_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = ({"name": "x" * 300, "auc": 1, "tags": {}},)
    assert "x" * 300 in written(capsys, Format.TABLE, items)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _fd=1: os.terminal_size((40, 24)))
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, written(capsys, Format.TABLE, items).splitlines())) == 40


def test_old_data_say_so_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = Snapshot(ITEMS, NOW, "cache", UnreachableError("Could not list runs", why="no connection"))
    print_snapshot(snapshot, "runs", COLUMNS, snapshot.data, Format.JSON)
    done = capsys.readouterr()
    assert json.loads(done.out)["source"] == "cache"
    assert "2026-03-02T12:00:00.000Z" in done.err
    assert "no connection" in done.err


@given(st.text(max_size=40), st.integers(1, 20))
def test_a_fitted_text_fits(text: str, width: int) -> None:
    assert cell_width(fitted(text, width)) <= width


@given(st.lists(st.lists(st.text("ab模\u0301", max_size=12), min_size=2, max_size=2), max_size=5), st.integers(15, 40))
def test_a_table_is_never_wider_than_asked(rows: list[list[str]], width: int) -> None:
    columns = (Column("a", "a"), Column("b", "b", is_number=True))
    assert all(cell_width(line) <= width for line in layout(columns, rows, width))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_json_means_the_same_after_reading(value: Any) -> None:
    assert json.loads(json_text(value)) == value
