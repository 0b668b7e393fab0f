"""Sandboxes for tests: one server per set-up and session, shared by every test that asks for the same."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import httpx
import pytest

from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Release, Settings, Tier, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlops_tui.sandbox.clock import Clock


class SandboxFactory:
    """Starts sandboxes and keeps them until the end of the session."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[Settings, RunningSandbox] = {}

    def __call__(
        self,
        world: World = World.EMPTY,
        tier: Tier = Tier.PREMIUM,
        gitlab: Release = Release.V19,
        clock: Clock | None = None,
        root_path: str = "",
        *,
        fresh: bool = False,
    ) -> RunningSandbox:
        """Return a sandbox of this set-up: a new one when `fresh` or with a clock of its own, else the shared one."""
        settings = Settings(world=world, tier=tier, gitlab=gitlab, root_path=root_path)
        if fresh or clock is not None:
            return self._stack.enter_context(running(settings, clock))
        if settings not in self._running:
            self._running[settings] = self._stack.enter_context(running(settings))
        return self._running[settings]


class SharedClient(httpx.Client):
    """A client that many tests use, so that a `with` block does not end it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stay open."""

    def close(self) -> None:
        """Stay open."""

    def close_for_good(self) -> None:
        """Close the connections."""
        super().close()


_clients: dict[tuple[str, str | None], SharedClient] = {}


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxFactory]:
    """Make sandboxes: `sandbox()` is an empty one, `sandbox(world=World.DEMO)` the shared demo world."""
    with ExitStack() as stack:
        yield SandboxFactory(stack)
        while _clients:
            _clients.popitem()[1].close_for_good()


def client(server: RunningSandbox, role: str | None = "maintainer", token: str | None = None) -> httpx.Client:
    """Return an HTTP client on the API root with a role's token, another token, or none; shared by all tests.

    Its base URL ends with `/api/v4`; an absolute URL reaches the rest of the server.
    """
    secret = token or (server.tokens[role] if role else None)
    key = (server.url, secret)
    if key not in _clients:
        headers = {"PRIVATE-TOKEN": secret} if secret else {}
        # Without certificates to load, making a client costs next to nothing.
        _clients[key] = SharedClient(
            base_url=f"{server.url}/api/v4", headers=headers, timeout=20, trust_env=False, verify=False
        )
    return _clients[key]


def project(server: RunningSandbox) -> str:
    """Return the API path of the server's first project."""
    return f"/projects/{server.projects[0]['id']}"
