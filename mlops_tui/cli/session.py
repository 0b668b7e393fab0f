"""An open context for one command: its target, opened, and one run of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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

        async with open_session(target.context, target.credential, SystemClock()) as session:
            return await work(session)

    return asyncio.run(opened())
