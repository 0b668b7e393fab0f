"""``mlops-tui demo``: the dashboard on a sandbox of its own, with nothing to set up."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops_tui.cli.children import announcement, child_process
from mlops_tui.cli.dashboard import open_dashboard
from mlops_tui.cli.demo_settings import reachable
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import GlobalOptions, takes_global_options
from mlops_tui.config.paths import HOME_VARIABLE, Paths, private_folder
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.trace_sources import TraceSource
from mlops_tui.sandbox.inference.telemetry import MISSING, is_installed
from mlops_tui.storage.traces import FILE_NAME
from mlops_tui.widgets.terminal import require_terminal


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
    with _folder(data) as folder:
        is_fresh = not (folder / FILE_NAME).exists()
        # A folder that is kept keeps its logs, apart from those of other demos; the others have nowhere of their own.
        logs = private_folder(Paths.of_user().state if data is None else folder / "console" / "state")
        with (
            running_sandbox(folder, logs=logs) as announced,
            reachable(folder, announced, role.value),
            live_traffic(folder, announced, logs=logs, is_fresh=is_fresh),
        ):
            os.environ[HOME_VARIABLE] = str(folder / "console")
            context = Context(
                name="demo",
                url=announced["url"],
                projects=options.projects or tuple(project["path"] for project in announced["projects"]),
                is_read_only=options.read_only,
                traces=TraceSource(data=folder),
            )
            token = Secret(announced["tokens"][role.value])
            status = open_dashboard(context, FoundCredential(TokenKind.PERSONAL, token, "the sandbox"))
    raise typer.Exit(status)


@contextmanager
def running_sandbox(folder: Path, *arguments: str, logs: Path) -> Iterator[dict[str, Any]]:
    """Run ``sandbox serve`` as a child process on ``folder``; gives what it announced.

    The child ends with the block, and also when this process dies, since its standard input ends then. Raises
    UnreachableError when it does not start.
    """
    log = logs / "sandbox.log"
    line = ("sandbox", "serve", "--end-on-stdin-eof", "--data", str(folder), *arguments)
    with child_process("mlops_tui", line, log) as child:
        yield announcement(child, "The sandbox", log)


@contextmanager
def live_traffic(folder: Path, announced: Mapping[str, Any], *, logs: Path, is_fresh: bool) -> Iterator[None]:
    """Let the demo's models serve as long as the block lasts, and give a fresh store of traces a past.

    Without OpenTelemetry's SDK there is a past, but nothing live, and one line on standard error says so.
    """
    addresses = ("--sandbox", announced["url"], "--otlp", announced["otlp"])
    with ExitStack() as stack:
        if is_fresh:
            past = ("--data", str(folder), "--sandbox", announced["url"])
            stack.enter_context(child_process("mlops_tui.cli.demo_past", past, logs / "demo-past.log"))
        if is_installed():
            stack.enter_context(child_process("mlops_tui.sandbox.inference", addresses, logs / "inference.log"))
        else:
            tell(f"The demo has no live traffic: {MISSING}")
        yield


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield private_folder(data.expanduser().absolute())
        return
    with tempfile.TemporaryDirectory(prefix="mlops-tui-demo-") as folder:
        yield Path(folder)
