"""An open context for one command: its target, opened, and one run of the event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from mlops_tui.cli.options import GlobalOptions
from mlops_tui.cli.targets import Settings
from mlops_tui.domain.clock import SystemClock

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session

_Result = TypeVar("_Result")


def ask(options: GlobalOptions, work: Callable[[Session], Awaitable[_Result]]) -> _Result:
    """Open the context of a command, do its work and close it again, whatever happens."""
    target = Settings.load().target(options.choice, options.token_file)

    async def opened() -> _Result:
        from mlops_tui.operations.session import open_session

        _end_on_sigterm()
        async with open_session(target.context, target.credential, SystemClock()) as session:
            return await work(session)

    try:
        return asyncio.run(opened())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _end_on_sigterm() -> None:
    """A job that is cancelled gets SIGTERM: it ends as with Ctrl-C, so that what is under way is not cut off.

    Not by way of Ctrl-C's own signal: whoever starts a program in the background has it ignore that one.
    """
    task = asyncio.current_task()
    with suppress(NotImplementedError, RuntimeError, ValueError):
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
