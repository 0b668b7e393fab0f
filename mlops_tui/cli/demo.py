"""``mlops-tui demo``: the dashboard on a sandbox of its own, with nothing to set up."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops_tui.cli.dashboard import open_dashboard
from mlops_tui.cli.options import GlobalOptions, takes_global_options
from mlops_tui.config.paths import HOME_VARIABLE, PRIVATE_FILE, Paths, private_folder
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.errors import UnreachableError
from mlops_tui.widgets.terminal import require_terminal

_START_SECONDS = 60.0
_END_SECONDS = 10.0


class Role(StrEnum):
    """Who to be in the demo."""

    MAINTAINER = "maintainer"
    APPROVER = "approver"
    DEVELOPER = "developer"
    REPORTER = "reporter"


@takes_global_options
def command(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Keep everything here; without it nothing is kept.")
    ] = None,
    role: Annotated[Role, typer.Option("--as", help="Who to be.")] = Role.MAINTAINER,
    *,
    options: GlobalOptions,
) -> None:
    """Open the dashboard on an embedded sandbox with a small company's models in it."""
    require_terminal(os.environ, sys.stdin, sys.stdout)
    with _folder(data) as folder, running_sandbox(folder) as announced:
        os.environ[HOME_VARIABLE] = str(folder / "console")
        context = Context(
            name="demo",
            url=announced["url"],
            projects=options.projects or tuple(project["path"] for project in announced["projects"]),
            is_read_only=options.read_only,
        )
        token = Secret(announced["tokens"][role.value])
        status = open_dashboard(context, FoundCredential(TokenKind.PERSONAL, token, "the sandbox"))
    raise typer.Exit(status)


@contextmanager
def running_sandbox(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run ``sandbox serve`` as a child process on ``folder``; gives what it announced.

    The child ends with the block, and also when this process dies, since its standard input ends then. Raises
    UnreachableError when it does not start.
    """
    log_path = private_folder(Paths.of_user().state) / "sandbox.log"
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    line = ("sandbox", "serve", "--end-on-stdin-eof", "--data", str(folder), *arguments)
    try:
        child = subprocess.Popen(  # noqa: S603 - this very program
            (sys.executable, "-m", "mlops_tui", *line),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)
    try:
        yield _announcement(child, log_path)
    finally:
        _end(child)


def _announcement(child: subprocess.Popen[bytes], log_path: Path) -> dict[str, Any]:
    assert child.stdout is not None  # noqa: S101 - it was asked for
    ready, _, _ = select.select([child.stdout], [], [], _START_SECONDS)
    line = child.stdout.readline() if ready else b""
    if not line:
        reason = "it ended at once" if ready else f"it said nothing for {_START_SECONDS:.0f} s"
        raise UnreachableError("The sandbox did not start", why=reason, remedy=f"Its log is {log_path}")
    announced: dict[str, Any] = json.loads(line)
    return announced


def _end(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    try:
        child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield private_folder(data.expanduser().absolute())
        return
    with tempfile.TemporaryDirectory(prefix="mlops-tui-demo-") as folder:
        yield Path(folder)
