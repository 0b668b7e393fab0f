"""Walking lists in each of GitLab's three ways, to the end and no further."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from mlops_tui.domain.errors import UnreadableAnswerError
from tests.gitlab.scripted import Reply, ScriptedServer, Seen, in_turn, transport_to

T = TypeVar("T")

JOBS = "/api/v4/projects/7/jobs"
SEARCH = "/api/v4/projects/7/ml/mlflow/api/2.0/mlflow/runs/search"


async def everything(pages: AsyncIterator[T]) -> list[T]:
    return [page async for page in pages]


def query(seen: Seen) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(seen.path).query).items()}


async def test_numbered_pages_end_at_the_empty_header() -> None:
    def handler(seen: Seen) -> Reply:
        page = int(query(seen)["page"])
        return Reply(body=[page], headers={"x-next-page": str(page + 1) if page < 3 else "", "x-page": str(page)})

    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            pages = await everything(transport.pages(JOBS, {"scope[]": "failed"}))
    assert pages == [[1], [2], [3]]
    assert [query(seen) for seen in server.seen] == [
        {"per_page": "100", "scope[]": "failed", "page": str(page)} for page in (1, 2, 3)
    ]


async def test_a_list_that_is_not_cut_is_one_page() -> None:
    with ScriptedServer(in_turn(Reply(body=[1, 2]))) as server:
        async with transport_to(server.url) as transport:
            assert await everything(transport.pages(JOBS, per_page=20)) == [[1, 2]]
    assert query(server.seen[0])["per_page"] == "20"


async def test_pages_that_are_not_wanted_are_not_asked_for() -> None:
    with ScriptedServer(in_turn(Reply(body=[1], headers={"x-next-page": "2"}))) as server:
        async with transport_to(server.url) as transport:
            async for _ in transport.pages(JOBS):
                break
    assert len(server.seen) == 1


async def test_counts_are_read_where_there_are_some() -> None:
    with ScriptedServer(
        in_turn(Reply(headers={"x-total": "17"}), Reply(), Reply(headers={"x-total": "many"}))
    ) as server:
        async with transport_to(server.url) as transport:
            totals = [(await transport.get(f"{JOBS}?{number}")).total for number in range(3)]
    assert totals == [17, None, None]


@pytest.mark.parametrize("following", ["1", "0"])
async def test_a_server_that_runs_in_circles_is_stopped(following: str) -> None:
    with ScriptedServer(in_turn(Reply(body=[], headers={"x-next-page": following}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UnreadableAnswerError, match="as the next one"):
                await everything(transport.pages(JOBS))
    assert len(server.seen) == 1


async def test_keyset_links_are_taken_on_our_own_address() -> None:
    def handler(seen: Seen) -> Reply:
        after = int(query(seen).get("id_after", "0"))
        link = f'<https://configured.example/root/api/v4/projects?id_after={after + 1}&per_page=2>; rel="next"'
        return Reply(body=[after], headers={"link": link} if after < 2 else {})

    with ScriptedServer(handler) as server:
        async with transport_to(server.url + "/gitlab") as transport:
            assert await everything(transport.keyset_pages("/api/v4/projects", {"order_by": "id"})) == [[0], [1], [2]]
    assert server.paths() == [
        "/gitlab/api/v4/projects?pagination=keyset&per_page=100&order_by=id",
        "/gitlab/api/v4/projects?id_after=1&per_page=2",
        "/gitlab/api/v4/projects?id_after=2&per_page=2",
    ]
    assert all("private-token" in seen.headers for seen in server.seen)


@pytest.mark.parametrize(
    ("link", "following"),
    [
        (
            '<https://a/api/v4/x?page=2>; rel="next", <https://a/api/v4/x?page=1>; rel="first"',
            "https://a/api/v4/x?page=2",
        ),
        (
            '<https://a/api/v4/x?page=1>; rel="first", <https://a/api/v4/x?page=2>; rel="next"',
            "https://a/api/v4/x?page=2",
        ),
        ("<https://a/api/v4/x?ids=1,2>; rel=next", "https://a/api/v4/x?ids=1,2"),
        ('<https://a/api/v4/x?page=1>; rel="prev"', None),
        ("nonsense", None),
        ("", None),
    ],
)
async def test_the_next_link_is_found_among_others(link: str, following: str | None) -> None:
    with ScriptedServer(in_turn(Reply(headers={"link": link}))) as server:
        async with transport_to(server.url) as transport:
            assert (await transport.get(JOBS)).next_link == following


@pytest.mark.parametrize("link", ["<https://a/api/v4/projects>; rel=next", "<https://a/elsewhere>; rel=next"])
async def test_a_link_that_leads_nowhere_new_is_an_error(link: str) -> None:
    with ScriptedServer(in_turn(Reply(body=[], headers={"link": link}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UnreadableAnswerError, match="nowhere new"):
                await everything(transport.keyset_pages("/api/v4/projects"))
    assert len(server.seen) <= 2


async def test_tokens_of_a_search_go_into_its_body() -> None:
    def handler(seen: Seen) -> Reply:
        tokens: dict[str | None, str | None] = {None: "a", "a": "b", "b": None}
        token = seen.json().get("page_token")
        return Reply(body={"runs": [token], "next_page_token": tokens[token]})

    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            pages = await everything(transport.token_pages(SEARCH, {"max_results": 1_000}))
    assert [page["runs"] for page in pages] == [[None], ["a"], ["b"]]
    assert [seen.json() for seen in server.seen] == [
        {"max_results": 1_000},
        {"max_results": 1_000, "page_token": "a"},
        {"max_results": 1_000, "page_token": "b"},
    ]


async def test_tokens_of_a_get_go_into_its_query() -> None:
    replies = in_turn(Reply(body={"next_page_token": "a=="}), Reply(body={"next_page_token": None}))
    with ScriptedServer(replies) as server:
        async with transport_to(server.url) as transport:
            pages = await everything(transport.token_pages("/api/v4/m", params={"run_id": "r"}))
    assert len(pages) == 2
    assert [query(seen) for seen in server.seen] == [{"run_id": "r"}, {"run_id": "r", "page_token": "a=="}]


@pytest.mark.parametrize("token", ["same", 7, ["x"]])
async def test_a_token_that_leads_nowhere_new_is_an_error(token: Any) -> None:
    with ScriptedServer(in_turn(Reply(body={"next_page_token": token}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UnreadableAnswerError, match="nowhere new"):
                await everything(transport.token_pages(SEARCH, {}))
    assert len(server.seen) <= 2


async def test_another_shape_than_a_list_is_an_error() -> None:
    with ScriptedServer(in_turn(Reply(body={"message": "hello"}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UnreadableAnswerError, match="a list was expected"):
                await everything(transport.pages(JOBS))
            with pytest.raises(UnreadableAnswerError, match="a list was expected"):
                await everything(transport.keyset_pages(JOBS))
