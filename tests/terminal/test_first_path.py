"""From the first key to production and back, in the real program, in a terminal."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from mlops_tui.sandbox.server import RunningSandbox
from tests.faults.proxy import FaultProxy, web_page
from tests.sandbox.factory import client
from tests.terminal.conftest import dashboard
from tests.terminal.terminal import Terminal

pytestmark = [pytest.mark.serial, pytest.mark.slow, pytest.mark.timeout(180)]

MOUSE_OFF = b"\x1b[?1000l"
ALTERNATE_SCREEN_OFF = b"\x1b[?1049l"


def open_fraud(terminal: Terminal) -> None:
    terminal.wait_for("online")
    terminal.press("3")
    terminal.wait_for("fraud", "PROD 2.0.0")
    terminal.press_until("down", "▌ fraud")


def promote(terminal: Terminal) -> None:
    terminal.press("P")
    terminal.wait_for("Promote which version")
    terminal.press("enter")
    terminal.wait_for("to which environment")
    terminal.press("enter")
    terminal.wait_for("Type fraud to confirm", "What will be sent")
    terminal.press("f", "r", "a", "u", "d")
    terminal.wait_for("▌ fraud")
    terminal.press("enter")


def pipelines(server: RunningSandbox) -> list[str]:
    rows = client(server).get("/projects/101/pipelines", params={"per_page": 100}).json()
    return [str(row["name"]) for row in rows]


def test_promote_see_it_live_and_roll_back(server: RunningSandbox, tmp_path: Path) -> None:
    with dashboard(server.url, server, tmp_path) as terminal:
        open_fraud(terminal)
        promote(terminal)
        terminal.wait_for("fraud 2.1.0 is live in production now", "Receipt")
        terminal.press("escape")
        terminal.wait_for("PROD 2.1.0")
        terminal.press("R")
        terminal.wait_for("Roll fraud back in which environment")
        terminal.press("enter")
        terminal.wait_for("last known good", "Reason")
        terminal.press(*"alarms", "enter")
        terminal.wait_for("Type fraud to confirm")
        terminal.press(*"fraud", "enter")
        terminal.wait_for("fraud 2.0.0 is live in production now")
        terminal.press("escape")
        terminal.wait_for("PROD 2.0.0")
        terminal.press(*":journal", "enter")
        terminal.wait_for("rollback", "promote", "alarms")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    assert sum(name.startswith("fraud 2.1.0 -> production") for name in pipelines(server)) == 1


def test_every_step_can_be_left_and_then_nothing_was_sent(server: RunningSandbox, tmp_path: Path) -> None:
    before = pipelines(server)
    with dashboard(server.url, server, tmp_path) as terminal:
        open_fraud(terminal)
        terminal.press("P")
        terminal.wait_for("Promote which version")
        terminal.press("enter")
        terminal.wait_for("to which environment")
        terminal.press("enter")
        terminal.wait_for("Type fraud to confirm")
        terminal.press(*"froud", "enter")
        terminal.press("escape")
        terminal.wait_for("PROD 2.0.0", gone=["Type fraud to confirm"])
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    assert pipelines(server) == before


def test_the_server_goes_away_and_comes_back_and_the_screen_stays(server: RunningSandbox, tmp_path: Path) -> None:
    with FaultProxy(server.url) as proxy, dashboard(proxy.url, server, tmp_path) as terminal:
        open_fraud(terminal)
        proxy.go_down()
        terminal.press("r")
        terminal.wait_for("offline", "fraud", "PROD 2.0.0")
        proxy.come_back()
        terminal.press("r")
        terminal.wait_for("online", gone=["offline"])
        proxy.play(web_page())
        terminal.press("r")
        terminal.wait_for("a web page", "came instead of JSON", "PROD 2.0.0")
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def test_it_opens_from_the_cache_while_the_server_is_gone(server: RunningSandbox, tmp_path: Path) -> None:
    with FaultProxy(server.url) as proxy:
        with dashboard(proxy.url, server, tmp_path) as terminal:
            open_fraud(terminal)
            terminal.press("q")
            assert terminal.wait_for_end() == 0
        proxy.go_down()
        with dashboard(proxy.url, server, tmp_path) as terminal:
            terminal.wait_for("offline")
            terminal.press("3")
            terminal.wait_for("fraud", "PROD 2.0.0", "as of")
            terminal.press("q")
            assert terminal.wait_for_end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_gives_the_terminal_back(
    server: RunningSandbox, tmp_path: Path, number: signal.Signals
) -> None:
    with dashboard(server.url, server, tmp_path) as terminal:
        terminal.wait_for("online")
        terminal.signal(number)
        terminal.wait_for_end()
        assert MOUSE_OFF in terminal.raw
        assert ALTERNATE_SCREEN_OFF in terminal.raw


def test_without_colours_not_one_colour_code_is_sent(server: RunningSandbox, tmp_path: Path) -> None:
    with dashboard(server.url, server, tmp_path, NO_COLOR="1") as terminal:
        open_fraud(terminal)
        terminal.press("q")
        terminal.wait_for_end()
        codes = {code for code in (b"\x1b[3%dm" % number for number in range(8)) if code in terminal.raw}
        assert not codes
        assert b"38;2;" not in terminal.raw
        assert b"38;5;" not in terminal.raw


def test_it_fits_the_smallest_terminal(server: RunningSandbox, tmp_path: Path) -> None:
    with dashboard(server.url, server, tmp_path, columns=80, lines=24) as terminal:
        open_fraud(terminal)
        terminal.wait_for("PRODUCTION", "online", "Promote")
        assert max(len(line) for line in terminal.text.splitlines()) <= 80


def test_a_terminal_that_cannot_show_it_is_told_of_the_command_line(server: RunningSandbox, tmp_path: Path) -> None:
    with dashboard(server.url, server, tmp_path, TERM="dumb") as terminal:
        assert terminal.wait_for_end() == 2
        assert "mlops-tui" in terminal.text
