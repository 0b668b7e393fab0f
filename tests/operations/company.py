"""A company to act on: the demo world in a sandbox of its own, and sessions of its people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.projects import Project
from mlops_tui.operations.session import Session, open_session
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import RunningSandbox
from tests.clocks import ManualClock


class LinkedClock(ManualClock):
    """A clock whose waiting lets the sandbox's time pass, so that nobody ever really waits."""

    def __init__(self, sandbox: SandboxClock) -> None:
        super().__init__(sandbox.now())
        self._sandbox = sandbox

    async def sleep(self, seconds: float) -> None:
        self.tick(seconds)
        self._sandbox.advance(seconds)


@dataclass(frozen=True)
class Company:
    """A running sandbox with the folder in which its people keep their files."""

    server: RunningSandbox
    sandbox_clock: SandboxClock
    folder: Path

    def session(self, role: str = "maintainer", *, url: str = "", **changes: object) -> Session:
        """Open a session as one of the people; ``url`` leads through a proxy, ``changes`` are of the context."""
        context = Context("company", url or self.server.url, tuple(str(item["path"]) for item in self.server.projects))
        credential = FoundCredential(TokenKind.PERSONAL, Secret(self.server.tokens[role]), "test")
        home = self.folder / role
        clock = LinkedClock(self.sandbox_clock)
        paths = Paths(home, home, home, home)
        return open_session(replace(context, **changes), credential, clock, paths=paths)  # type: ignore[arg-type]  # kwargs of a test

    async def project(self, session: Session, path: str = "acme/fraud") -> Project:
        """One of the company's projects."""
        return await session.directory.project(path)
