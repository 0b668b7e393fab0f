"""How everything looks: two sizes, in full colour, in the terminal's own colours, and without colour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.domain.contexts import ContextKind
from mlops_tui.widgets.confirm import ConfirmDialog
from tests.widgets.gallery import GalleryApp, gallery, preview

SIZES = [(80, 24), (120, 40)]
LOOKS = ["dark", "ansi", "no-colour"]

Before = Callable[[Pilot[object]], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: GalleryApp, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


@pytest.fixture(params=LOOKS)
def app(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GalleryApp:
    look: str = request.param
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
        environ["NO_COLOR"] = "1"
    return gallery(tmp_path, environ=environ, theme="ansi" if look == "ansi" else "dark")


def showing(view: str, *keys: str) -> Before:
    async def before(pilot: Pilot[object]) -> None:
        app = pilot.app
        assert isinstance(app, GalleryApp)
        await app.action_show_view(view)
        await pilot.pause()
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
        await pilot.pause()

    return before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("view", "keys"),
    [
        ("tables", ("down",)),
        ("plots", ()),
        ("texts", ()),
        ("trees", ("down",)),
        ("tables", ("question_mark",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value) or "open",
)
def test_views(snap_compare: Compare, app: GalleryApp, size: tuple[int, int], view: str, keys: tuple[str, ...]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=showing(view, *keys))


@pytest.mark.parametrize(
    ("view", "keys"),
    [("plots", ("t",)), ("tables", ("colon", "x", "enter")), ("tables", ("s",)), ("tables", ("d",))],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_keys_open(snap_compare: Compare, tmp_path: Path, view: str, keys: tuple[str, ...]) -> None:
    assert snap_compare(gallery(tmp_path), terminal_size=(80, 24), run_before=showing(view, *keys))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("is_production", [True, False], ids=["production", "staging"])
def test_confirmation(snap_compare: Compare, app: GalleryApp, size: tuple[int, int], is_production: bool) -> None:
    async def before(pilot: Pilot[object]) -> None:
        await showing("tables")(pilot)
        dialog = ConfirmDialog(
            preview(is_production=is_production), origin="https://gitlab.example.com", verb="Promote"
        )
        await pilot.app.push_screen(dialog)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_a_production_context_that_is_read_only(snap_compare: Compare, tmp_path: Path) -> None:
    app = gallery(tmp_path, kind=ContextKind.PRODUCTION, is_read_only=True)
    assert snap_compare(app, terminal_size=(80, 24), run_before=showing("trees"))
