"""A small TCP proxy that makes trouble on demand between a client and any HTTP server on loopback.

Every connection carries one request; what goes wrong is told as a ``Fault``. Use it as a context manager::

    with FaultProxy(sandbox.url) as proxy:
        proxy.play(Drop(after=100), count=2)
        ...  # ask proxy.url
"""

from __future__ import annotations

import asyncio
import fnmatch
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, assert_never
from urllib.parse import urlsplit

T = TypeVar("T")

_HEAD_LIMIT = 1024 * 1024
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection ends after so many bytes of the answer, headers included."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Drip:
    """The answer comes in pieces of ``size`` bytes with real ``pause`` seconds between them."""

    size: int = 1
    pause: float = 0.02


@dataclass(frozen=True, slots=True)
class Stall:
    """The request is forwarded and served, but after so many bytes of the answer nothing more comes."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """The request is forwarded and served; the whole answer comes once ``released`` is set."""

    released: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Truncate:
    """A whole and valid HTTP answer whose body is cut to so many bytes."""

    keep: int = 10


@dataclass(frozen=True, slots=True)
class Replace:
    """Another answer instead; the server behind sees the request only when ``forward``."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    forward: bool = False


@dataclass(frozen=True, slots=True)
class SkewDate:
    """The answer's Date is off by so many seconds."""

    seconds: float


Fault: TypeAlias = Drop | Drip | Stall | Hold | Truncate | Replace | SkewDate


def web_page(title: str = "Sign in", status: int = 200) -> Replace:
    """What a captive portal or a proxy answers."""
    body = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body></body></html>".encode()
    return Replace(status, body, {"content-type": "text/html; charset=utf-8"})


def json_answer(status: int, text: str, **headers: str) -> Replace:
    """Any JSON answer; underscores in header names become dashes."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Replace(status, text.encode(), {"content-type": "application/json", **names})


def throttled(retry_after: str = "7") -> Replace:
    """The limit on all requests: plain text (GitLab: lib/gitlab/rack_attack.rb)."""
    return Replace(429, b"Retry later\n", {"content-type": "text/plain", "retry-after": retry_after})


def limited(retry_after: str | None = "60") -> Replace:
    """The limit on one endpoint: JSON (GitLab: lib/api/helpers/rate_limiter.rb)."""
    text = '{"message":{"error":"This endpoint has been requested too many times. Try again later."}}'
    return json_answer(429, text, **({} if retry_after is None else {"retry_after": retry_after}))


@dataclass(slots=True)
class _Planned:
    fault: Fault
    count: int | None
    path: str

    def fits(self, path: str) -> bool:
        return self.count != 0 and fnmatch.fnmatchcase(path, self.path)


class FaultProxy:
    """Listens on a free port of 127.0.0.1 in a thread of its own and forwards to ``upstream``."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._root = parts.path.rstrip("/")
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._planned: list[_Planned] = []
        self._requests: list[str] = []
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.come_back()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    @property
    def url(self) -> str:
        """The address to ask instead of the upstream's."""
        return f"http://127.0.0.1:{self._port}{self._root}"

    @property
    def requests(self) -> list[str]:
        """Every request so far as "METHOD path", those that met a fault included."""
        with self._lock:
            return list(self._requests)

    def wait_for_requests(self, count: int) -> None:
        """Block until so many requests came."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._requests) >= count, _START_SECONDS)

    def play(self, fault: Fault, *, count: int | None = None, path: str = "*") -> None:
        """From now on, do this to the next ``count`` requests (None: to all) whose path fits the glob."""
        with self._lock:
            self._planned.append(_Planned(fault, count, path))

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._planned.clear()

    def go_down(self) -> None:
        """Refuse connections and end those that are open, as a host does that lost its server."""
        self._run(self._close())

    def come_back(self) -> None:
        """Listen (again), on the same port as before."""
        self._run(self._listen())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=_HEAD_LIMIT)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await _read_request(reader)
        method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        fault = self._next(method, path)
        if isinstance(fault, Replace) and not fault.forward:
            answer = _replacement(fault)
        else:
            answer = await self._forward(head, body)
        await _play(fault, answer, writer)

    def _next(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self._requests.append(f"{method} {path}")
            self._arrived.notify_all()
            for planned in self._planned:
                if planned.fits(path):
                    planned.count = None if planned.count is None else planned.count - 1
                    return planned.fault
        return None

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(_with_header(head, "Connection", "close") + b"\r\n\r\n" + body)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


async def _play(fault: Fault | None, answer: bytes, writer: asyncio.StreamWriter) -> None:
    match fault:
        case None:
            writer.write(answer)
        case Replace():
            writer.write(_replacement(fault))
        case Drop():
            writer.write(answer[: fault.after])
        case Stall():
            writer.write(answer[: fault.after])
            await writer.drain()
            await asyncio.Event().wait()
        case Hold():
            await asyncio.to_thread(fault.released.wait, _START_SECONDS)
            writer.write(answer)
        case Drip():
            for start in range(0, len(answer), fault.size):
                writer.write(answer[start : start + fault.size])
                await writer.drain()
                await asyncio.sleep(fault.pause)
        case Truncate():
            writer.write(_truncated(answer, fault.keep))
        case SkewDate():
            writer.write(_skewed(answer, fault.seconds))
        case _:
            assert_never(fault)
    await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
    if _header(head, "transfer-encoding").lower() == "chunked":
        return head, await _read_chunks(reader)
    return head, await reader.readexactly(int(_header(head, "content-length") or 0))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    raw = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        raw += line + await reader.readexactly(int(line.split(b";")[0], 16) + 2)
        if int(line.split(b";")[0], 16) == 0:
            return raw


def _header(head: bytes, name: str) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name.encode():
            return value.strip().decode("latin-1")
    return ""


def _with_header(head: bytes, name: str, value: str) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(name.lower().encode() + b":")]
    return b"\r\n".join([*lines, f"{name}: {value}".encode("latin-1")])


def _replacement(fault: Replace) -> bytes:
    lines = [f"HTTP/1.1 {fault.status} Replaced", f"content-length: {len(fault.body)}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in fault.headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + fault.body


def _truncated(answer: bytes, keep: int) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return _with_header(head, "content-length", str(len(body[:keep]))) + b"\r\n\r\n" + body[:keep]


def _skewed(answer: bytes, seconds: float) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    known = _header(head, "date")
    moment: datetime = parsedate_to_datetime(known)
    return _with_header(head, "date", format_datetime(moment + timedelta(seconds=seconds), usegmt=True)) + (
        b"\r\n\r\n" + body
    )
