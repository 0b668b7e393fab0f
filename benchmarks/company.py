"""A sandbox as a process of its own, and a console that has it as its one context."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.terminal import Terminal

BIN = Path(sys.executable).parent
PROGRAM = str(BIN / "mlops-tui")
# They make numpy slower on the machines that set them, and belong to none of the programs that are measured.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")


def environment(home: Path) -> dict[str, str]:
    """The environment of everything that is measured: a home of its own and a capable terminal."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox: where it is, and a maintainer's token for it."""

    url: str
    token: str
    projects: tuple[str, ...]
    pid: int


@dataclass(frozen=True, slots=True)
class Console:
    """A home folder whose settings know one context."""

    home: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a program that runs in it."""
        return environment(self.home)

    def open(self, *arguments: str, size: tuple[int, int] = (120, 40)) -> Terminal:
        """Start the program in a terminal."""
        return Terminal((PROGRAM, *arguments), self.environment, size)

    def run(self, *arguments: str) -> str:
        """Run a command to its end; returns what it wrote. Raises CalledProcessError."""
        command = (PROGRAM, *arguments)
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout


@contextmanager
def serving(world: str = "demo", *arguments: str) -> Iterator[Server]:
    """Run a sandbox for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="mlops-tui-bench-") as folder:
        command = (
            sys.executable,
            "-m",
            "mlops_tui.sandbox",
            "serve",
            "--world",
            world,
            "--end-on-stdin-eof",
            *arguments,
        )
        child = subprocess.Popen(
            command,
            env=environment(Path(folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            told = json.loads(child.stdout.readline())
            paths = tuple(project["path"] for project in told["projects"])
            yield Server(told["url"], told["tokens"]["maintainer"], paths, child.pid)
        finally:
            child.stdin.close()
            child.stdout.close()
            child.wait(20)


@contextmanager
def console(
    server: Server, projects: Sequence[str] = (), *, url: str = "", poll_interval: float = 10
) -> Iterator[Console]:
    """A home folder whose one context is the server, for the length of the block.

    Args:
        server: The sandbox.
        projects: The projects of the context; all of the sandbox's where none is named.
        url: Another way to the sandbox.
        poll_interval: Seconds between two refreshes.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-tui-bench-") as folder:
        home = Path(folder)
        settings = home / ".config" / "mlops-tui"
        settings.mkdir(parents=True, mode=0o700)
        token = settings / "token"
        _write_private(token, server.token)
        listed = ", ".join(f'"{path}"' for path in projects or server.projects)
        _write_private(
            settings / "config.toml",
            f'[contexts.bench]\nurl = "{url or server.url}"\nprojects = [{listed}]\n'
            f'token_file = "{token}"\npoll_interval = {poll_interval}\n',
        )
        yield Console(home)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
