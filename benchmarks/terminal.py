"""A program in a pseudo-terminal, watched from outside: what it writes, when, and what it costs meanwhile."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "down": "\x1b[B",
    "up": "\x1b[A",
    "end": "\x1b[F",
    "home": "\x1b[H",
    "pagedown": "\x1b[6~",
    "ctrl+q": "\x11",
}
# Questions that programs ask a terminal, and what xterm would say.
_QUESTIONS = (
    (re.compile(rb"\x1b\[(?:0)?c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\[\?(\d+)\$p"), b"\x1b[?%s;0$y"),
    (re.compile(rb"\x1b\[\?u"), b"\x1b[?0u"),
)
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-9;?<>=!]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[()][0-9A-B]|.)"
)
_END_SECONDS = 5.0
_LONGEST_BURST = 10.0


@dataclass(frozen=True, slots=True)
class Burst:
    """What answered a key: seconds to the first and to the last byte, and how many bytes in all."""

    first: float
    last: float
    size: int


class Terminal:
    """Runs ``command`` in a terminal of its own; a context manager, which ends what it started.

    Args:
        command: The program and its arguments.
        environment: All of its environment.
        size: Columns and lines.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int] = (120, 40)
    ) -> None:
        self.started = time.perf_counter()
        self.output = bytearray()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            columns, lines = size
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execvpe(command[0], list(command), dict(environment))
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def read(self, seconds: float) -> int:
        """Take in what is written within ``seconds``, at most one chunk; returns how many bytes came."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return 0
        try:
            chunk = os.read(self._master, 65_536)
        except OSError:
            return 0
        self.output += chunk
        self._answer(chunk)
        return len(chunk)

    def wait_for(self, text: str, timeout: float = 30.0, start: int = 0) -> float:
        """Wait until ``text`` was written from byte ``start`` on; returns the seconds since the program was started.

        Raises:
            TimeoutError: it never was.
        """
        deadline = time.perf_counter() + timeout
        is_news = True
        while time.perf_counter() < deadline:
            if is_news and text in visible(bytes(self.output[start:])):
                return time.perf_counter() - self.started
            is_news = self.read(0.2) > 0
        shown = " ".join(visible(bytes(self.output)).split())[-600:]
        message = f"{text!r} was not written within {timeout:g} s; the end of what was: {shown}"
        raise TimeoutError(message)

    def settle(self, quiet: float = 0.5, timeout: float = 30.0) -> None:
        """Wait until nothing was written for ``quiet`` seconds."""
        deadline = time.perf_counter() + timeout
        while self.read(quiet) and time.perf_counter() < deadline:
            continue

    def watch(self, seconds: float) -> int:
        """Let the program be for ``seconds``; returns how many bytes it wrote."""
        deadline = time.perf_counter() + seconds
        count = 0
        while (left := deadline - time.perf_counter()) > 0:
            count += self.read(left)
        return count

    def type(self, *keys: str) -> None:
        """Send keys, by name or as text."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())

    def press(self, *keys: str, quiet: float = 0.3) -> Burst:
        """Send keys and take in the answer, until nothing was written for ``quiet`` seconds, or for too long."""
        pressed = time.perf_counter()
        self.type(*keys)
        first = last = 0.0
        size = 0
        while last < _LONGEST_BURST and (count := self.read(quiet if size else 5.0)) > 0:
            last = time.perf_counter() - pressed
            first = first or last
            size += count
        return Burst(first, last, size)

    def cpu_seconds(self) -> float:
        """What all threads of the program have used of the processor so far."""
        used = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            used += int((task / "schedstat").read_text().split()[0])
        return used / 1e9

    def peak_bytes(self) -> int:
        """The most memory that was resident at once."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def end(self) -> None:
        """End the program, politely first, and take in its exit."""
        if self._ended:
            return
        self._ended = True
        try:
            self._wait_for_end()
        finally:
            os.close(self._master)

    def leave(self, *keys: str) -> None:
        """Press the keys that leave the program and wait until it has written what it keeps."""
        self.type(*keys)
        self._ended = True
        try:
            self._wait_for_end(asked=True)
        finally:
            os.close(self._master)

    def _wait_for_end(self, *, asked: bool = False) -> None:
        if not asked:
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.perf_counter() + _END_SECONDS
        while time.perf_counter() < deadline:
            self.read(0.02)
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _answer(self, chunk: bytes) -> None:
        for question, answer in _QUESTIONS:
            for found in question.finditer(chunk):
                reply = answer % found.groups() if found.groups() else answer
                os.write(self._master, reply)


def visible(output: bytes) -> str:
    """What was written, without escape sequences."""
    return _ESCAPES.sub(b"", output).decode("utf-8", "replace")
