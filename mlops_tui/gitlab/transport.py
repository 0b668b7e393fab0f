"""The one way to GitLab: every request of the program goes through a ``Transport``."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlops_tui.domain.api_calls import ApiAnswer, ApiCall
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import NotSignedInError, RemoteError, UnreachableError
from mlops_tui.gitlab import graphql, paging, transfers
from mlops_tui.gitlab.authentication import Credential, RouteKind, credential_headers, require_safe_channel
from mlops_tui.gitlab.budget import Budget, BudgetOptions, Priority, read_priority
from mlops_tui.gitlab.caching import AnswerCache
from mlops_tui.gitlab.connection import Connection, ConnectionOptions
from mlops_tui.gitlab.failures import failure, graphql_failure
from mlops_tui.gitlab.hosts import Host, Parameters
from mlops_tui.gitlab.messages import Answer, Request, whole_number
from mlops_tui.gitlab.redaction import quiet_foreign_loggers, redacted
from mlops_tui.gitlab.retries import Retries, RetryOptions, reset_in, retry_after
from mlops_tui.gitlab.sign_in import SignIn

log = logging.getLogger(__name__)

_UNFILLED = re.compile(r"\{\w*\}")
_CACHE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Everything about a transport that may be set; the defaults are for a GitLab that others use too."""

    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    retries: RetryOptions = field(default_factory=RetryOptions)
    budget: BudgetOptions = field(default_factory=BudgetOptions)
    cache_bytes: int = _CACHE_BYTES
    seed: int | None = None


class Transport:
    """Asks one GitLab instance with one token.

    An asynchronous context manager. Reads are repeated after passing faults, changes are sent once. A token that
    GitLab no longer knows stops everything until ``sign_in`` is called. ``on_reach`` hears after each exchange whether
    the host was reached. Every error is a ``RemoteError`` (or a refusal from before sending) and holds no secret.
    """

    def __init__(
        self, host: Host, credential: Credential | None, *, clock: Clock, options: TransportOptions | None = None
    ) -> None:
        require_safe_channel(host, credential)
        self._options = options or TransportOptions()
        self._host = host
        self._clock = clock
        self._credential = credential
        self._budget = Budget(clock, self._options.budget)
        self._cache = AnswerCache(self._options.cache_bytes)
        self._retries = Retries(clock, self._options.retries, random.Random(self._options.seed))  # noqa: S311 - jitter
        self._connection = Connection(host, credential, self._options.connection, self._options.budget.concurrency)
        self._sign_in = SignIn(credential, self._probe, self._clock)
        self.on_reach: Callable[[bool], None] = lambda _is_reached: None
        quiet_foreign_loggers()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    @property
    def host(self) -> Host:
        """The instance that is asked."""
        return self._host

    @property
    def credential(self) -> Credential | None:
        """The token in use."""
        return self._credential

    @property
    def stopped(self) -> NotSignedInError | None:
        """Why nothing is asked any more, or None while the token is good as far as is known."""
        return self._sign_in.stopped

    def sign_in(self, credential: Credential | None) -> None:
        """Go on with this token, or with the same one after its owner repaired it."""
        require_safe_channel(self._host, credential)
        self._credential = credential
        self._cache.clear()
        self._sign_in = SignIn(credential, self._probe, self._clock)
        self._connection.credential = credential

    async def get(
        self, path: str, params: Parameters | None = None, *, kind: RouteKind | None = None, what: str = ""
    ) -> Answer:
        """Read ``path`` (from the instance's root, percent-encoded).

        ``what`` completes "Could not ..." in errors; without it the path speaks. ``kind`` is found from the path.
        """
        return await self._read(self._reading("GET", path, what, kind, parameters=params))

    async def post_query(
        self, path: str, body: Mapping[str, Any], *, kind: RouteKind | None = None, what: str = ""
    ) -> Answer:
        """Read by a POST that changes nothing: a search of MLflow's, a query of GraphQL's."""
        return await self._read(self._reading("POST", path, what, kind, body=body))

    async def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, what: str = ""
    ) -> dict[str, Any]:
        """The ``data`` of a GraphQL query; top-level errors and missing data raise."""
        request = self._query(graphql.body(query, variables or {}), what)
        answer = await self._read(request)
        return self._data(request, answer, answer.json())

    async def graphql_many(
        self, queries: Sequence[tuple[str, Mapping[str, Any]]], *, what: str = ""
    ) -> list[dict[str, Any] | RemoteError]:
        """Several queries in as few requests as GitLab takes; each has its own data or its own error."""
        results: list[dict[str, Any] | RemoteError] = []
        for batch in graphql.batches(queries):
            request = self._query([graphql.body(query, variables) for query, variables in batch], what)
            answer = await self._read(request)
            for part in graphql.parts(answer, len(batch)):
                try:
                    results.append(self._data(request, answer, part))
                except RemoteError as error:
                    results.append(error)
        return results

    def pages(
        self, path: str, params: Parameters | None = None, *, per_page: int = paging.PAGE_SIZE, what: str = ""
    ) -> AsyncIterator[list[Any]]:
        """The rows of a numbered list, page by page."""
        return paging.offset_pages(self, path, params, per_page=per_page, what=what)

    def keyset_pages(
        self, path: str, params: Parameters | None = None, *, per_page: int = paging.PAGE_SIZE, what: str = ""
    ) -> AsyncIterator[list[Any]]:
        """The rows of a keyset list, page by page."""
        return paging.keyset_pages(self, path, params, per_page=per_page, what=what)

    def token_pages(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Parameters | None = None,
        what: str = "",
    ) -> AsyncIterator[dict[str, Any]]:
        """The decoded pages of an MLflow list: a search by ``body``, else a GET by ``params``."""
        return paging.token_pages(self, path, body, params, what=what)

    async def send(self, call: ApiCall) -> ApiAnswer:
        """Make a change, once.

        Never repeated, whatever happens: ``UnreachableError.may_have_arrived`` and a ``ServerFaultError`` leave open
        whether it was made. GraphQL errors of a mutation raise too, its payload's own ``errors`` are the caller's.
        """
        if _UNFILLED.search(call.path):
            message = f"a call with an open placeholder cannot be sent: {call.path}"
            raise ValueError(message)
        request = Request.to(call.method.value, call.path, Priority.WRITE, what=call.purpose, body=call.body)
        if call.file is not None:
            request = replace(request, body=call.file.data, content_type=transfers.BYTES)
        answer = await self._checked(request, await self._attempt(request))
        decoded = answer.json() if answer.body.strip() else None
        if request.kind is RouteKind.GRAPHQL:
            self._data(request, answer, decoded)
        return ApiAnswer(call, answer.url, answer.status, answer.request_id, decoded)

    async def upload(self, path: str, file: Path, *, progress: Callable[[int, int], None] | None = None) -> Answer:
        """PUT a file's bytes as they are, once; ``progress`` is told bytes sent and bytes in all."""
        content = await transfers.opened_file(file, progress)
        request = Request.to("PUT", path, Priority.WRITE, what=f"upload {file.name}")
        request = replace(request, content_type=transfers.BYTES)
        headers = self._headers(request) | {"Content-Length": str(content.size)}
        await self._budget.charge(Priority.WRITE)
        answer = await self._connection.exchange(request, headers, content.chunks())
        self._observe(answer)
        return await self._checked(request, answer)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Parameters | None = None, *, what: str = ""
    ) -> AsyncIterator[transfers.Download]:
        """Read a file in chunks: ``async with transport.stream(path) as download``.

        Redirects to an object store are followed without the token. It takes no place among the concurrent requests,
        and a file that breaks off raises ``UnreachableError`` while its chunks come.
        """
        request = self._reading("GET", path, what, parameters=params)
        headers = self._headers(request)
        await self._budget.charge(request.priority)
        async with self._connection.open(request, headers | transfers.AS_IT_IS) as opened:
            if not opened.response.is_success:
                answer = await self._connection.read(request, opened)
                self._observe(answer)
                await self._checked(request, answer)
            yield transfers.download_of(opened)

    def _reading(
        self,
        method: str,
        path: str,
        what: str,
        kind: RouteKind | None = None,
        *,
        parameters: Parameters | None = None,
        body: object = None,
    ) -> Request:
        return Request.to(method, path, read_priority(), what=what, kind=kind, parameters=parameters, body=body)

    def _query(self, body: object, what: str) -> Request:
        return self._reading("POST", graphql.PATH, what or "ask GraphQL", body=body)

    def _headers(self, request: Request) -> dict[str, str]:
        self._sign_in.require(request)
        return credential_headers(self._credential, request.kind)

    async def _read(self, request: Request) -> Answer:
        is_action = request.priority is Priority.ACTION
        answer = await self._retries.run(lambda: self._attempt(request), is_urgent=is_action)
        return await self._checked(request, answer)

    async def _checked(self, request: Request, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        if answer.status == 401 and not answer.is_foreign:
            raise await self._sign_in.judged(request, answer, self._now(answer))
        raise failure(request, answer, self._credential, self._now(answer))

    async def _attempt(self, request: Request) -> Answer:
        headers = self._headers(request)
        url = self._host.url(request.path, request.parameters)
        mark = self._credential.fingerprint if self._credential else ""
        is_cached = request.method == "GET"
        async with self._budget.turn(request.priority):
            self._sign_in.require(request)
            kept = self._cache.find(url, mark) if is_cached else None
            condition = {} if kept is None else {"If-None-Match": kept.etag}
            answer = await self._timed(request, {**headers, **condition})
        self._observe(answer)
        return self._cache.resolve(answer, url, mark, kept) if is_cached else answer

    async def _timed(self, request: Request, headers: Mapping[str, str]) -> Answer:
        start = self._clock.monotonic()
        try:
            answer = await self._connection.exchange(request, headers)
        except RemoteError as error:
            log.info("%s %s failed: %s", request.method, redacted(request.path, self._credential), error.why)
            self.on_reach(not isinstance(error, UnreachableError))
            raise
        self.on_reach(True)
        milliseconds = 1000 * (self._clock.monotonic() - start)
        log.debug("%s %s: %d in %.0f ms %s", request.method, answer.url, answer.status, milliseconds, answer.request_id)
        return answer

    def _observe(self, answer: Answer) -> None:
        """Heed what the host says of its limits; the throttle of all requests answers in plain text."""
        if answer.is_foreign:
            return
        now = self._now(answer)
        self._budget.observe(
            limit=whole_number(answer.headers.get("ratelimit-limit", "")),
            remaining=whole_number(answer.headers.get("ratelimit-remaining", "")),
            reset_in=reset_in(answer, now),
        )
        if answer.status == 429 and answer.content_type == "text/plain":
            self._budget.close(retry_after(answer, now) or 0.0)

    def _data(self, request: Request, answer: Answer, part: object) -> dict[str, Any]:
        if not isinstance(part, dict):
            raise answer.unreadable("a GraphQL answer is an object")
        if part.get("errors"):
            raise graphql_failure(request, answer, part["errors"], self._credential)
        data = part.get("data")
        if not isinstance(data, dict):
            raise answer.unreadable("the GraphQL answer holds no data")
        return data

    async def _probe(self, path: str) -> Answer:
        """Ask whether the token is good; runs inside a failed call, so it neither retries nor judges."""
        request = Request.to("GET", path, Priority.USER, what="check the token")
        async with self._budget.turn(request.priority):
            return await self._connection.exchange(request, credential_headers(self._credential, request.kind))

    def _now(self, answer: Answer) -> datetime:
        return answer.date or self._clock.now()
