"""A real terminal for the real program: a pseudo-terminal whose screen can be read and typed at."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

# Questions to the terminal that pyte would print instead of ignoring: mode reports and the keyboard protocol.
_QUESTIONS = re.compile(rb"\x1b\[\?[0-9;]*\$p|\x1b\[[<>=?][0-9;]*u|\x1b\[>[0-9;]*[a-zA-Z]|\x1bP[^\x1b]*\x1b\\")
_KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "down": "\x1b[B",
    "up": "\x1b[A",
    "right": "\x1b[C",
    "backspace": "\x7f",
}


class Terminal:
    """Runs a program in a terminal of so many columns and lines; ends it, whatever happens, when the block ends."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        lines: int = 40,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.raw = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self._rest = b""
        own, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        base = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "UTC"}
        self._process = subprocess.Popen(
            command,
            stdin=its,
            stdout=its,
            stderr=its,
            env={**base, **(environment or {})},
            start_new_session=True,
            cwd=Path("/"),
        )
        os.close(its)
        self._own = own

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=10)
        os.close(self._own)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, *texts: str, seconds: float = 30, gone: Sequence[str] = ()) -> str:
        """Read until all of ``texts`` stand on the screen and none of ``gone``; fails with the screen otherwise."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(text in self.text for text in texts) and not any(text in self.text for text in gone):
                return self.text
            self._read(0.1)
        raise AssertionError(f"waited for {texts}, without {gone}; the screen shows:\n{self.text}")

    def press(self, *keys: str) -> None:
        """Press keys by name ("enter", "down") or type the text given."""
        for key in keys:
            os.write(self._own, _KEYS.get(key, key).encode())
            self._read(0.05)

    def listen(self, seconds: float) -> bytes:
        """What the program sends within ``seconds``, in which nothing is typed."""
        start, deadline = len(self.raw), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)
        return bytes(self.raw[start:])

    def press_until(self, key: str, text: str, *, most: int = 20) -> None:
        """Press a key again and again, a little apart, until the text stands on the screen."""
        for _ in range(most):
            if text in self.text:
                return
            self.press(key)
            self.listen(0.5)
        self.wait_for(text, seconds=5)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        os.close(self._own)
        self._own = os.open(os.devnull, os.O_RDWR)

    def wait_for_end(self, seconds: float = 15) -> int:
        """Read until the program has ended; returns its exit status."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            self._read(0.1)
        self._read(0.1)
        return self._process.wait(timeout=1)

    def _read(self, seconds: float) -> None:
        while select.select([self._own], [], [], seconds)[0]:
            try:
                data = os.read(self._own, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data
            self._feed(data)
            seconds = 0

    def _feed(self, data: bytes) -> None:
        """Feed the emulator whole sequences only: one that is cut off waits for its rest."""
        data = self._rest + data
        start = data.rfind(b"\x1b", max(0, len(data) - 32))
        is_open = start >= 0 and not re.search(rb"[A-Za-z\\]", data[start + 2 :])
        self._rest = data[start:] if is_open else b""
        self._stream.feed(_QUESTIONS.sub(b"", data[:start] if is_open else data))
