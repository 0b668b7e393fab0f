"""A collector as a process of its own, started and ended as an operator would."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit


class CollectorProcess:
    """``traces collect`` on one folder and, after the first start, always on the same port."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self._arguments = arguments
        self._port = "0"
        self._child: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> str:
        """Start it and wait until it listens; answers the address."""
        line = [sys.executable, "-m", "mlops_tui", "traces", "collect", "--data", str(self.data), "--port", self._port]
        self._child = subprocess.Popen([*line, *self._arguments], stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        announced = json.loads(self._child.stdout.readline())
        assert set(announced) == {"url"}
        self.url = announced["url"]
        self._port = str(urlsplit(self.url).port)
        return self.url

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal and wait until it is gone; answers its exit status."""
        assert self._child is not None
        self._child.send_signal(number)
        out, _ = self._child.communicate(timeout=30)
        assert out == ""
        return self._child.returncode

    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._child is not None and self._child.poll() is None


@contextmanager
def collector_process(data: Path, *arguments: str) -> Iterator[CollectorProcess]:
    """A started collector, which is gone after the block."""
    process = CollectorProcess(data, *arguments)
    process.start()
    try:
        yield process
    finally:
        if process.is_running():
            process.end(signal.SIGKILL)
