"""Redirects: followed for reads, never with the token to another host, never for changes."""

from __future__ import annotations

import pytest

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.credentials import TokenKind
from mlops_tui.domain.errors import InvalidRequestError, NotAllowedError, UnreachableError
from tests.gitlab.scripted import SELF, Reply, ScriptedServer, Seen, by_path, in_turn, transport_to

OLD = "/api/v4/projects/acme%2Fold"


def to(location: str, status: int = 302) -> Reply:
    return Reply(status, f"moved to {location}", {"location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_on_the_same_host_keeps_the_token(status: int) -> None:
    handler = by_path({"/api/v4/a": to("/api/v4/b?x=1", status), "/api/v4/b": Reply(body={"id": 7})})
    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            assert (await transport.get("/api/v4/a")).json() == {"id": 7}
    assert server.paths() == ["/api/v4/a", "/api/v4/b?x=1"]
    assert "private-token" in server.seen[1].headers


@pytest.mark.parametrize("kind", list(TokenKind))
async def test_another_host_port_or_scheme_gets_no_token(kind: TokenKind) -> None:
    path = "/api/v4/projects/7/packages/ml_models/1/files/f"
    with (
        ScriptedServer(in_turn(Reply(body=b"the file"))) as store,
        ScriptedServer(in_turn(to(f"{store.url}/bucket/f?X-Amz-Signature=abc"))) as server,
    ):
        async with transport_to(server.url, kind=kind) as transport, transport.stream(path) as download:
            content = b"".join([chunk async for chunk in download.chunks])
    assert content == b"the file"
    assert store.paths() == ["/bucket/f?X-Amz-Signature=abc"]
    assert not {"private-token", "authorization", "job-token", "cookie"} & set(store.seen[0].headers)


async def test_the_token_stays_away_after_coming_back_from_another_host() -> None:
    with (
        ScriptedServer(lambda seen: to(f"{home.url}/back")) as store,
        ScriptedServer(by_path({"/api/v4/a": lambda seen: to(f"{store.url}/x"), "/back": Reply()})) as home,
    ):
        async with transport_to(home.url) as transport:
            await transport.get("/api/v4/a")
    assert "private-token" not in home.seen[1].headers


async def test_a_moved_project_is_found_though_gitlab_names_another_host() -> None:
    moved = to("https://configured.example/api/v4/projects/7?statistics=true", 301)
    handler = by_path({OLD: moved, "/api/v4/projects/7": Reply(body={"id": 7})})
    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            assert (await transport.get(OLD, {"statistics": True})).json() == {"id": 7}
    assert server.paths() == [f"{OLD}?statistics=true", "/api/v4/projects/7?statistics=true"]
    assert "private-token" in server.seen[1].headers


async def test_a_whole_instance_that_moved_says_so_and_does_not_stop_the_host() -> None:
    with (
        ScriptedServer(in_turn(Reply(401, {"message": "401 Unauthorized"}))) as new,
        ScriptedServer(lambda seen: to(new.url + seen.path)) as old,
    ):
        async with transport_to(old.url) as transport:
            with pytest.raises(NotAllowedError, match="leads to another host"):
                await transport.get("/api/v4/user")
            assert transport.stopped is None
    assert "private-token" not in new.seen[0].headers
    assert SELF not in old.paths() + new.paths()


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_change_is_never_redirected(method: Method, status: int) -> None:
    with ScriptedServer(in_turn(to("/api/v4/elsewhere", status))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(InvalidRequestError, match="nothing was changed there"):
                await transport.send(ApiCall(method, "/api/v4/projects/7/pipeline", {"ref": "main"}))
    assert len(server.seen) == 1


async def test_a_search_by_post_is_not_redirected_either() -> None:
    with ScriptedServer(in_turn(to("/api/v4/elsewhere"))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(InvalidRequestError, match="redirects"):
                await transport.post_query("/api/v4/search", {})


async def test_circles_end() -> None:
    with ScriptedServer(in_turn(to("/api/v4/a"))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(InvalidRequestError, match="more than 5 times"):
                await transport.get("/api/v4/a")
    assert len(server.seen) == 6


async def test_five_are_followed() -> None:
    def handler(seen: Seen) -> Reply:
        number = int(seen.path.rsplit("/", 1)[1])
        return to(f"/api/v4/{number + 1}") if number < 5 else Reply(body=number)

    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            assert (await transport.get("/api/v4/0")).json() == 5


@pytest.mark.parametrize("location", ["ftp://files.example/x", "https://[::1", "file:///etc/passwd"])
async def test_a_redirect_to_nowhere_is_an_error(location: str) -> None:
    with ScriptedServer(in_turn(to(location))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises((UnreachableError, InvalidRequestError)):
                await transport.get("/api/v4/a")
    assert set(server.paths()) == {"/api/v4/a"}


async def test_a_redirect_without_a_target_is_an_error() -> None:
    with ScriptedServer(in_turn(Reply(302, ""))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(InvalidRequestError, match="302"):
                await transport.get("/api/v4/a")
