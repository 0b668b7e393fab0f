"""The log: it follows the end, holds when the reader scrolls up, searches and saves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.app import ComposeResult

from mlops_tui.live.logs import CAPACITY, LogChunk
from mlops_tui.widgets.log_view import LogView, save_text
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.text_layout import plain_text
from tests.widgets.apps import PaletteApp
from tests.widgets.gallery import NOW


class Logging(PaletteApp):
    """A log in a pane; saving asks for the whole of it."""

    def compose(self) -> ComposeResult:
        with Pane("Log"):
            yield LogView(file_name="job-611.log", whole=self.whole)

    async def whole(self) -> Sequence[str]:
        return ["the whole", "log"]

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)


def chunk(*lines: str, replaces_last: bool = False, is_restart: bool = False, dropped: int = 0) -> LogChunk:
    return LogChunk(lines, replaces_last, is_restart, dropped, False, NOW, None)


def numbered(start: int, end: int) -> tuple[str, ...]:
    return tuple(f"line {number}" for number in range(start, end))


async def test_follows_until_the_reader_scrolls_up_and_again_from_the_end() -> None:
    app = Logging()
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.log_view
        log.focus()
        log.take(chunk(*numbered(0, 200)))
        await pilot.pause()
        assert log.scroll_offset.y == log.max_scroll_y > 0

        await pilot.press("up")
        held_at = log.scroll_offset.y
        log.take(chunk(*numbered(200, 300)))
        await pilot.pause()
        assert log.scroll_offset.y == held_at
        assert "held" in app.query_one(Pane).status

        await pilot.press("f")
        log.take(chunk("the end"))
        await pilot.pause()
        assert log.scroll_offset.y == log.max_scroll_y
        assert "following" in app.query_one(Pane).status


async def test_a_growing_last_line_is_replaced_and_another_log_starts_anew() -> None:
    app = Logging()
    async with app.run_test():
        log = app.log_view
        log.take(chunk("one", "tw"))
        log.take(chunk("two", "three", replaces_last=True))
        assert log.text == "one\ntwo\nthree"
        log.take(chunk("another", is_restart=True))
        assert log.text == "another"


async def test_keeps_the_last_lines_only_and_says_so() -> None:
    app = Logging()
    async with app.run_test() as pilot:
        app.log_view.take(chunk(*numbered(0, CAPACITY + 5), dropped=5))
        await pilot.pause()
        assert len(app.log_view.lines) == CAPACITY
        assert plain_text(app.log_view.lines[0]) == "line 5"
        assert f"last {CAPACITY:,} of {CAPACITY + 5:,} lines" in app.query_one(Pane).status


async def test_search_goes_from_match_to_match_whatever_the_case() -> None:
    app = Logging()
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.log_view
        log.focus()
        lines = [f"line {number}" for number in range(300)]
        lines[120] = lines[240] = "an ERROR here"
        log.take(chunk(*lines))
        assert log.search("error")
        await pilot.pause()
        assert 120 in range(log.first_visible, log.first_visible + log.size.height)
        await pilot.press("n")
        assert 240 in range(log.first_visible, log.first_visible + log.size.height)
        await pilot.press("b")
        assert 120 in range(log.first_visible, log.first_visible + log.size.height)
        assert not log.search("nowhere")


async def test_wrapping_shows_the_whole_of_long_lines() -> None:
    app = Logging()
    async with app.run_test(size=(40, 12)) as pilot:
        log = app.log_view
        log.focus()
        log.take(chunk("x" * 100))
        await pilot.pause()
        assert log.virtual_size.height == 1
        await pilot.press("w")
        await pilot.pause()
        width = log.scrollable_content_region.width
        assert log.virtual_size.height == -(-100 // width)
        assert "".join(log.render_line(y).text.rstrip() for y in range(log.virtual_size.height)) == "x" * 100


async def test_saves_the_whole_log_to_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = Logging()
    async with app.run_test() as pilot:
        app.log_view.focus()
        await pilot.press("L")
        await pilot.press("L")
        await pilot.pause()
    assert (tmp_path / "job-611.log").read_text() == "the whole\nlog\n"
    assert (tmp_path / "job-611-1.log").read_text() == "the whole\nlog\n"
    assert (tmp_path / "job-611.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "", ".bashrc", "a\x00b"])
def test_a_name_never_leaves_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    path = save_text(name, "text", folder)
    assert path.parent == folder
    assert not path.name.startswith(".")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]
