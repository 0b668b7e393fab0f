"""Opening a page in the reader's browser, where there is a screen to open it on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

_OPENERS = {"darwin": "open", "linux": "xdg-open"}
_REMOTE = ("SSH_CONNECTION", "SSH_TTY")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def is_page(address: str) -> bool:
    """Whether this is an address of the web; whatever else a server calls one is never opened."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def opener(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """The program that opens a page here; None over SSH and where there is no display.

    A browser on the far side of an SSH connection is not where the reader looks, and one that runs in the terminal
    would draw over this program.
    """
    if any(environ.get(name) for name in _REMOTE):
        return None
    if platform != "darwin" and not any(environ.get(name) for name in _DISPLAYS):
        return None
    return shutil.which(_OPENERS.get(platform, ""), path=environ.get("PATH"))


def open_page(address: str, program: str) -> bool:
    """Start the program on the address and do not wait for it; False where it cannot be started."""
    silent = subprocess.DEVNULL
    try:
        # S603: no shell is involved, and the address has been seen to be one of the web.
        subprocess.Popen(  # noqa: S603
            [program, address], stdin=silent, stdout=silent, stderr=silent, start_new_session=True
        )
    except OSError:
        return False
    return True
