"""Opening a page: only an address of the web, and only where the reader would see it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlops_tui.widgets.browser import is_page, open_page, opener


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("https://fraud.acme.example/live?x=1", True),
        ("http://10.0.0.7:8080", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("--new-window", False),
        ("https://", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_web_are_pages(address: str, is_one: bool) -> None:
    assert is_page(address) is is_one


def program(folder: Path, name: str, text: str = "exit 0") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_nothing_is_opened_over_ssh_or_without_a_display(tmp_path: Path) -> None:
    program(tmp_path, "xdg-open")
    here = {"PATH": str(tmp_path), "DISPLAY": ":0"}
    assert opener(here, "linux") == str(tmp_path / "xdg-open")
    assert opener({**here, "SSH_CONNECTION": "10.0.0.1 22 10.0.0.2 22"}, "linux") is None
    assert opener({"PATH": str(tmp_path)}, "linux") is None
    assert opener({"PATH": "", "DISPLAY": ":0"}, "linux") is None


def test_the_program_gets_the_address_and_is_not_waited_for(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    opens = program(tmp_path, "opens", f'printf %s "$1" > {seen}.part && mv {seen}.part {seen}')
    assert open_page("https://a.example/?q=1&r=$(x)", str(opens))
    deadline = time.monotonic() + 10
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen.read_text() == "https://a.example/?q=1&r=$(x)"
    assert not open_page("https://a.example", str(tmp_path / "missing"))
