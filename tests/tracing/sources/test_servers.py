"""A server that is slow, wrong, away or in the way of its token."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import (
    ConfigError,
    MlopsError,
    NotFoundError,
    NotSignedInError,
    RemoteError,
    ServerFaultError,
    UnreachableError,
    UnreadableAnswerError,
)
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.tracing.sources.opening import reading_server
from mlops_tui.tracing.sources.servers import ServerOptions, TraceServer
from tests.clocks import ManualClock
from tests.tracing.sources.serving import served

SECRET = Secret("s3cret-t0ken")


class HastyClock(ManualClock):
    """A clock for whom every wait is over at once; ``waits`` tells how long they would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@contextmanager
def answering(*answers: Response) -> Iterator[tuple[str, list[Request]]]:
    """A server that gives these answers in turn, the last one for ever, and keeps what it was asked."""
    asked: list[Request] = []

    async def answer(request: Request) -> Response:
        asked.append(request)
        return answers[min(len(asked), len(answers)) - 1]

    with served(Router([Route("/{path:path}", answer, methods=["GET", "POST"])])) as url:
        yield url, asked


async def ask(url: str, clock: ManualClock | None = None, **options: object) -> object:
    server = TraceServer(url, ServerOptions(**options), clock or HastyClock())  # type: ignore[arg-type]  # as given
    try:
        return (await server.get("list services", "/services")).json()
    finally:
        await server.close()


async def test_a_passing_failure_is_tried_again_and_the_servers_wish_is_kept() -> None:
    clock = HastyClock()
    busy = [Response(status_code=503, headers={"Retry-After": "7"}), Response(status_code=502)]
    with answering(*busy, JSONResponse(["a"])) as (url, asked):
        assert await ask(url, clock) == ["a"]
    assert len(asked) == 3
    assert clock.waits == [7.0, 0.5]


@pytest.mark.parametrize(
    ("answer", "kind", "words", "attempts"),
    [
        (Response("down", 503), ServerFaultError, "answered 503: down", 3),
        (Response("no", 401), NotSignedInError, "Check the token", 1),
        (Response("nowhere", 404), NotFoundError, "kind and the url", 1),
        (Response("moved", 302, {"Location": "http://elsewhere.example"}), RemoteError, "answered 302", 1),
        (Response("<html>"), UnreadableAnswerError, "not JSON", 1),
        (Response("\x1b]0;title\x07bad \x1b[31mred", 400), RemoteError, "400: bad red", 1),
    ],
    ids=["down", "token", "missing", "redirect", "no-json", "escapes"],
)
async def test_a_refusal_says_what_to_do(answer: Response, kind: type[RemoteError], words: str, attempts: int) -> None:
    with answering(answer) as (url, asked), pytest.raises(kind, match=words) as caught:
        await ask(url)
    assert len(asked) == attempts
    assert "list services" in str(caught.value)
    assert "\x1b" not in str(caught.value)


async def test_the_token_is_sent_and_never_told() -> None:
    refused = Response(f"the key {SECRET.reveal()} is unknown", 401)
    with answering(refused) as (url, asked), pytest.raises(NotSignedInError) as caught:
        await ask(url, headers={"SIGNOZ-API-KEY": SECRET.reveal()}, secret=SECRET)
    assert asked[0].headers["signoz-api-key"] == SECRET.reveal()
    assert SECRET.reveal() not in str(caught.value)
    assert SECRET.reveal() not in repr(ServerOptions(headers={"a": SECRET.reveal()}, secret=SECRET))


async def test_a_token_travels_unencrypted_to_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        await ask("http://jaeger.example.com", secret=SECRET)
    with pytest.raises(ConfigError, match="certificates cannot be read"):
        await ask("https://jaeger.example.com", ca_bundle="/nowhere/ca.pem")


async def test_a_huge_answer_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_tui.tracing.sources.servers._LARGEST_ANSWER", 1_000)
    with answering(JSONResponse(["x" * 2_000])) as (url, _), pytest.raises(UnreadableAnswerError, match="larger than"):
        await ask(url)


async def test_a_server_that_is_away_or_silent_is_named() -> None:
    with pytest.raises(UnreachableError, match=r"no connection to http://127\.0\.0\.1:1 "):
        await ask("http://127.0.0.1:1")

    async def silent(request: Request) -> Response:
        await asyncio.sleep(5)
        return Response()

    router = Router([Route("/{path:path}", silent)])
    with served(router) as url, pytest.raises(UnreachableError, match="did not answer in time"):
        await ask(url, timeout=0.05)


SHAPES = [
    JSONResponse(None),
    JSONResponse([]),
    JSONResponse({"result": 1, "traces": 1, "data": 1, "services": 1}),
    Response("x"),
]


@pytest.mark.parametrize("kind", [kind for kind in TraceSourceKind if kind is not TraceSourceKind.EMBEDDED])
@pytest.mark.parametrize("shape", SHAPES, ids=["null", "list", "numbers", "text"])
async def test_an_answer_of_another_shape_is_an_error_and_no_crash(kind: TraceSourceKind, shape: Response) -> None:
    found: list[object] = []
    with answering(shape) as (url, _), suppress(MlopsError):
        async with reading_server(TraceSource(kind, url, tenant="a"), None, HastyClock()) as reader:
            found.append(await reader.traces(TraceQuery(TimeRange(1), limit=2)))
            found.append(await reader.statistics(TimeRange(1), SubjectFilter(service="a")))
            found.append(await reader.trace("1" * 32))
    assert set(found) <= {(), None}
