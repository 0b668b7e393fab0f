"""The arms as child processes, started again when they die."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys

from mlops_tui.sandbox.inference.serving import THREADS

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0
_FAREWELL_SECONDS = 5.0


class ArmProcess:
    """One arm's process, which ends when this one does; `url` is None while it does not listen."""

    def __init__(self, name: str, otlp: str, seed: int) -> None:
        self.name = name
        self.url: str | None = None
        self.pid: int | None = None
        self._command = ("-m", "mlops_tui.sandbox.inference.arms", "--arm", name, "--otlp", otlp, "--seed", str(seed))

    async def keep(self) -> None:
        """Run the process, again and again, until this is cancelled."""
        while True:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, **THREADS},
            )
            try:
                await self._listening(child)
                await child.wait()
            finally:
                self.url = None
                await _end(child)
            _log.warning("the arm %s ended with status %s and is started again", self.name, child.returncode)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listening(self, child: asyncio.subprocess.Process) -> None:
        line = await child.stdout.readline() if child.stdout else b""
        if line:
            self.pid, self.url = child.pid, json.loads(line)["url"]


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    if child.returncode is not None:
        return
    try:
        await asyncio.wait_for(child.wait(), _FAREWELL_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
