"""One context, opened: the connection, the journal and what is remembered between requests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from mlops_tui.config.paths import Paths, private_folder
from mlops_tui.config.tokens import endpoint_key
from mlops_tui.domain.api_calls import Door
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, TokenKind
from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.policy import Policy
from mlops_tui.domain.projects import Project, ProjectRef, User
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.authentication import Credential
from mlops_tui.gitlab.connection import ConnectionOptions
from mlops_tui.gitlab.deployments import DeploymentBook
from mlops_tui.gitlab.files import read_file
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.identity import current_user
from mlops_tui.gitlab.projects import ProjectDirectory
from mlops_tui.gitlab.transport import Transport, TransportOptions
from mlops_tui.live.snapshots import CachedView
from mlops_tui.operations.uninterrupted import Uninterrupted
from mlops_tui.storage.cache import Cache
from mlops_tui.storage.journal import Journal

if TYPE_CHECKING:
    # What monitoring needs takes a tenth of a second to import, which most commands would pay for nothing.
    from mlops_tui.domain.drift_windows import KnownVerdicts
    from mlops_tui.domain.profiles import StoredProfile
    from mlops_tui.operations.rollouts.judging import RunningJudge
    from mlops_tui.operations.rollouts.traffic import KnownTraffic
    from mlops_tui.storage.alerts import AlertStore
    from mlops_tui.tracing.readers import TraceReader

T = TypeVar("T")
_GROUPS_LAST = timedelta(hours=1)


@dataclass(slots=True)
class Session:
    """What every query and command needs; an asynchronous context manager, made by ``open_session``.

    ``data`` is the folder of the user's data. ``username`` is empty until ``identify`` was called; ``known_versions``
    are by project and model id, as last read; ``known_references`` by project, model and version, with when they were;
    ``judges`` are those of rollouts, with what they have seen, ``known_traffic`` what was measured of each;
    ``server_time`` is GitLab's, as last told; ``uninterrupted`` is for what must not stop half-way.
    """

    context: Context
    clock: Clock
    transport: Transport
    journal: Journal
    cache: Cache
    directory: ProjectDirectory
    data: Path
    username: str = ""
    known_versions: dict[tuple[int, int], tuple[ModelVersion, ...]] = field(default_factory=dict)
    known_references: dict[tuple[int, str, str], tuple[datetime, StoredProfile | None]] = field(default_factory=dict)
    judges: dict[str, RunningJudge] = field(default_factory=dict)
    known_traffic: dict[str, KnownTraffic] = field(default_factory=dict)
    server_time: datetime | None = None
    uninterrupted: Uninterrupted = field(default_factory=Uninterrupted)
    _known_verdicts: KnownVerdicts | None = None
    _user: User | None = None
    _expanded: tuple[datetime, tuple[ProjectRef, ...]] | None = None
    _books: dict[int, DeploymentBook] = field(default_factory=dict)
    _traces: TraceReader | None = None
    _alerts: AlertStore | None = None
    _endpoint: Transport | None = None
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let actions that are under way end, then end the connections and write what is queued."""
        await self.uninterrupted.close()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._opened.aclose()
        await self.transport.close()
        self.journal.close()
        self.cache.close()

    async def identify(self) -> User:
        """The user whose token this is; asked once."""
        if self._user is None:
            self._user = await current_user(self.transport)
            self.username = self._user.username
        return self._user

    def server_now(self) -> datetime:
        """GitLab's own time as it was told last, which is moments ago in an action; this machine's where it was not."""
        return self.server_time or self.clock.now()

    async def projects(self) -> tuple[Project, ...]:
        """The projects of the context, those of its groups included, by path; groups are expanded anew every hour.

        Raises ConfigError when the context names neither a project nor a group.
        """
        if not self.context.projects and not self.context.groups:
            raise ConfigError(
                f"The context {self.context.name} names no project",
                remedy="Add projects = [...] or groups = [...] to it, or pass --project GROUP/PROJECT",
            )
        named = [await self.directory.project(name) for name in self.context.projects]
        grouped = [await self.directory.project(ref.id) for ref in await self._group_projects()]
        return tuple(
            sorted({item.ref.id: item for item in (*named, *grouped)}.values(), key=lambda item: item.ref.path)
        )

    async def policy(self, project: Project) -> Policy:
        """The project's policy file on its default branch, or the defaults where there is none.

        Raises ConfigError, naming the line, when the file is wrong.
        """
        from mlops_tui.config.policy import POLICY_PATH, parse_policy

        file = await read_file(self.transport, project.ref, POLICY_PATH, project.default_branch)
        return parse_policy(file.text, f"{project.ref.path}:{POLICY_PATH}", file.commit) if file else Policy()

    def deployment_book(self, project: ProjectRef) -> DeploymentBook:
        """What is remembered of the project's deployments."""
        return self._books.setdefault(project.id, DeploymentBook())

    @property
    def known_verdicts(self) -> KnownVerdicts:
        """What was said of windows, by what they were made of."""
        if self._known_verdicts is None:
            from mlops_tui.domain.drift_windows import KnownVerdicts

            self._known_verdicts = KnownVerdicts()
        return self._known_verdicts

    async def traces(self) -> TraceReader:
        """What keeps the context's inference traces, opened once and closed with the session.

        Raises:
            UsageError: There is no store in its folder yet.
            ConfigError: The token or the certificates of a server cannot be had.
        """
        async with self._opening:
            if self._traces is None:
                from mlops_tui.operations.trace_sources import reading_traces

                source = reading_traces(self.context.traces, self.data, self.clock)
                self._traces = await self._opened.enter_async_context(source)
            return self._traces

    def in_background(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do work beside everything else, unless work of that name is under way; it ends with the session at last."""
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.create_task(work(), name=name)

    async def alerts(self) -> AlertStore:
        """What is remembered of alerts, opened once and closed with the session.

        Raises:
            StorageError: The file cannot be used.
        """
        async with self._opening:
            if self._alerts is None:
                from mlops_tui.storage.alerts import FILE_NAME, AlertStore

                self._alerts = await asyncio.to_thread(AlertStore, private_folder(self.data) / FILE_NAME)
                self._opened.callback(self._alerts.close)
            return self._alerts

    async def through(self, door: Door) -> Transport:
        """What sends a call: with the token, or with the key of the endpoint for alerts.

        Raises:
            ConfigError: The key cannot be had.
        """
        if door is Door.USER:
            return self.transport
        async with self._opening:
            if self._endpoint is None:
                key = await asyncio.to_thread(endpoint_key, self.context.alerts, os.environ)
                credential = Credential(TokenKind.OAUTH, key)
                transport = Transport(self.transport.host, credential, clock=self.clock, options=_options(self.context))
                self._endpoint = await self._opened.enter_async_context(transport)
            return self._endpoint

    def snapshot(self, data: T) -> Snapshot[T]:
        """``data`` as read just now from this context's GitLab."""
        return Snapshot(data, self.clock.now(), self.transport.host.name)

    def cached_view(self, view: str, data_type: type[T]) -> CachedView[T]:
        """What a view showed last, kept on disk; ``view`` names it with everything that its query depends on."""
        return CachedView(self.cache, self.context.name, view, data_type)

    async def _group_projects(self) -> tuple[ProjectRef, ...]:
        now = self.clock.now()
        if self._expanded is None or now - self._expanded[0] > _GROUPS_LAST:
            refs = [ref for group in self.context.groups for ref in await self.directory.group_projects(group)]
            self._expanded = (now, tuple(refs))
        return self._expanded[1]


def open_session(
    context: Context, credential: FoundCredential | None, clock: Clock, *, paths: Paths | None = None
) -> Session:
    """Open a context without asking anything of GitLab yet.

    Raises ConfigError for an address, certificate file or token that cannot be used.
    """
    places = paths or Paths.of_user()
    transport = Transport(
        Host.parse(context.url),
        Credential(credential.kind, credential.secret) if credential else None,
        clock=clock,
        options=_options(context),
    )
    return Session(
        context=context,
        clock=clock,
        transport=transport,
        journal=Journal(private_folder(places.data) / "journal.db", clock),
        cache=Cache(private_folder(places.cache) / "cache.db"),
        directory=ProjectDirectory(transport),
        data=places.data,
    )


def _options(context: Context) -> TransportOptions:
    bundle = Path(context.ca_bundle) if context.ca_bundle else None
    return TransportOptions(
        connection=ConnectionOptions(read_timeout=context.timeout, ca_bundle=bundle, proxy=context.proxy)
    )
