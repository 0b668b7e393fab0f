"""Telling a person who looks elsewhere: the terminal's bell, its own notifications, or a program of their choice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import assert_never

from mlops_tui.domain.preferences import Announcement
from mlops_tui.domain.text import clean

logger = logging.getLogger(__name__)

LIMIT = 200
_PATIENCE = 10.0


def announcement_sequence(how: Announcement, title: str, text: str, environ: Mapping[str, str]) -> str:
    """What is sent to the terminal, wrapped where tmux stands in between; empty for nothing.

    OSC 9 carries the text alone, OSC 777 a title and a text, which a semicolon parts.
    """
    safe_title, safe_text = (clean(part, LIMIT).replace(";", ",") for part in (title, text))
    match how:
        case Announcement.OFF:
            return ""
        case Announcement.BELL:
            return "\x07"
        case Announcement.OSC9:
            plain = f"\x1b]9;{safe_title}: {safe_text}\x07"
        case Announcement.OSC777:
            plain = f"\x1b]777;notify;{safe_title};{safe_text}\x07"
        case _:
            assert_never(how)
    if "TMUX" in environ:
        return "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return plain


async def run_announcement(command: Sequence[str], title: str, text: str) -> None:
    """Run the person's program with the text as its last argument, without a shell; one that hangs is ended."""
    if not command:
        return
    message = f"{clean(title, LIMIT)}: {clean(text, LIMIT)}"
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*command, message, stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError as error:
        logger.warning("the program for announcements cannot be run: %s", error)
        return
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
