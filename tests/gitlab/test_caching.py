"""ETags: an unchanged answer costs no body, and one token never sees what another was told."""

from __future__ import annotations

import pytest

from mlops_tui.gitlab.caching import AnswerCache
from mlops_tui.gitlab.messages import Answer
from tests.gitlab.scripted import Reply, ScriptedServer, Seen, credential, in_turn, transport_to

JOBS = "/api/v4/projects/7/jobs"


def tagged(seen: Seen) -> Reply:
    if seen.headers.get("if-none-match") == 'W/"1"':
        return Reply(304, b"", {"etag": 'W/"1"', "x-request-id": "second"})
    return Reply(body=[{"id": 1}], headers={"etag": 'W/"1"', "x-next-page": "2", "x-request-id": "first"})


async def test_an_unchanged_answer_has_the_body_from_before() -> None:
    with ScriptedServer(tagged) as server:
        async with transport_to(server.url) as transport:
            fresh = await transport.get(JOBS)
            again = await transport.get(JOBS)
    assert "if-none-match" not in server.seen[0].headers
    assert server.seen[1].headers["if-none-match"] == 'W/"1"'
    assert (fresh.is_unchanged, again.is_unchanged) == (False, True)
    assert again.json() == fresh.json() == [{"id": 1}]
    assert again.status == 200
    assert again.next_page == 2
    assert again.request_id == "second"


async def test_another_address_is_another_answer() -> None:
    with ScriptedServer(tagged) as server:
        async with transport_to(server.url) as transport:
            await transport.get(JOBS, {"page": 1})
            await transport.get(JOBS, {"page": 2})
    assert all("if-none-match" not in seen.headers for seen in server.seen)


async def test_another_token_starts_with_nothing() -> None:
    with ScriptedServer(tagged) as server:
        async with transport_to(server.url) as transport:
            await transport.get(JOBS)
            transport.sign_in(credential(token="glpat-" + "r" * 20))
            await transport.get(JOBS)
    assert "if-none-match" not in server.seen[1].headers


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=[]),
        Reply(body=[], headers={"etag": '"1"', "cache-control": "no-store, private"}),
        Reply(201, [], {"etag": '"1"'}),
    ],
)
async def test_what_may_not_be_kept_is_asked_for_anew(reply: Reply) -> None:
    with ScriptedServer(in_turn(reply)) as server:
        async with transport_to(server.url) as transport:
            await transport.get(JOBS)
            await transport.get(JOBS)
    assert "if-none-match" not in server.seen[1].headers


async def test_searches_by_post_are_not_kept() -> None:
    with ScriptedServer(in_turn(Reply(headers={"etag": '"1"'}))) as server:
        async with transport_to(server.url) as transport:
            await transport.post_query(JOBS, {})
            await transport.post_query(JOBS, {})
    assert "if-none-match" not in server.seen[1].headers


def answer(body: bytes) -> Answer:
    return Answer(200, {"etag": '"1"'}, body, url="", what="read")


def test_the_cache_is_bounded_and_forgets_what_was_asked_longest_ago() -> None:
    cache = AnswerCache(16_000)
    for number in range(30):
        cache.resolve(answer(b"x" * 500), f"/{number}", "me", None)
        assert cache.find("/0", "me") is not None
        assert cache.size <= 16_000
    assert len(cache) == 15
    assert cache.find("/1", "me") is None
    assert cache.find("/29", "me") is not None
    assert cache.find("/29", "you") is None


def test_one_huge_answer_does_not_empty_the_cache() -> None:
    cache = AnswerCache(16_000)
    cache.resolve(answer(b"small"), "/small", "me", None)
    cache.resolve(answer(b"x" * 10_000), "/huge", "me", None)
    assert cache.find("/small", "me") is not None
    assert cache.find("/huge", "me") is None


def test_replacing_an_answer_counts_it_once() -> None:
    cache = AnswerCache(16_000)
    for _ in range(100):
        cache.resolve(answer(b"x" * 500), "/same", "me", None)
    assert len(cache) == 1
    assert cache.size < 1_100
    cache.clear()
    assert (len(cache), cache.size) == (0, 0)
