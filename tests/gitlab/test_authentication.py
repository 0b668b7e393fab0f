"""Which header goes where, and what a 401 turns out to mean."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.credentials import Secret, TokenKind
from mlops_tui.domain.errors import ConfigError, NotAllowedError, NotSignedInError, UnreachableError
from mlops_tui.gitlab.authentication import Credential, RouteKind, require_safe_channel
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.transport import Transport
from tests.faults.proxy import Drop, FaultProxy
from tests.gitlab.scripted import (
    SELF,
    TOKEN,
    PassingClock,
    Reply,
    ScriptedServer,
    by_path,
    credential,
    in_turn,
    options,
    transport_to,
)

JOBS = "/api/v4/projects/7/jobs"
SEARCH = "/api/v4/projects/7/ml/mlflow/api/2.0/mlflow/runs/search"
FILE = "/api/v4/projects/7/packages/ml_models/12/files/model.pkl"
FLAGS = "/api/v4/projects/7/feature_flags"
UNAUTHORIZED = Reply(401, {"message": "401 Unauthorized"})


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (JOBS, RouteKind.API),
        (SEARCH, RouteKind.MLFLOW),
        ("/api/v4/projects/7/ml/mlflow/api/2.0/mlflow-artifacts/artifacts", RouteKind.MLFLOW),
        (FILE, RouteKind.PACKAGE),
        ("/api/v4/projects/7/packages/5/package_files", RouteKind.API),
        (FLAGS, RouteKind.FLAGS),
        ("/api/v4/projects/7/feature_flags_user_lists", RouteKind.FLAGS),
        ("/api/graphql", RouteKind.GRAPHQL),
        ("/api/v4/projects/7/repository/files/a?ref=/feature_flags", RouteKind.API),
    ],
)
def test_the_path_tells_the_group_of_routes(path: str, route: RouteKind) -> None:
    assert RouteKind.of(path) is route


@pytest.mark.parametrize(
    ("kind", "path", "header", "value"),
    [
        (TokenKind.PERSONAL, JOBS, "private-token", TOKEN),
        (TokenKind.PERSONAL, SEARCH, "private-token", TOKEN),
        (TokenKind.PERSONAL, FILE, "authorization", f"Bearer {TOKEN}"),
        (TokenKind.OAUTH, JOBS, "authorization", f"Bearer {TOKEN}"),
        (TokenKind.OAUTH, FILE, "authorization", f"Bearer {TOKEN}"),
        (TokenKind.JOB, JOBS, "job-token", TOKEN),
        (TokenKind.JOB, FILE, "authorization", f"Bearer {TOKEN}"),
    ],
)
async def test_each_route_gets_the_one_header_it_reads(kind: TokenKind, path: str, header: str, value: str) -> None:
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url, kind=kind) as transport:
            await transport.get(path)
    headers = server.seen[0].headers
    assert headers[header] == value
    assert sum(name in headers for name in ("private-token", "authorization", "job-token")) == 1


@pytest.mark.parametrize("path", [SEARCH, FLAGS, "/api/graphql"])
async def test_a_job_token_is_refused_before_anything_is_sent(path: str) -> None:
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url, kind=TokenKind.JOB) as transport:
            with pytest.raises(NotAllowedError, match="CI job token"):
                await transport.get(path)
            with pytest.raises(NotAllowedError, match="CI job token"):
                await transport.send(ApiCall(Method.POST, path, {}))
    assert server.seen == []


async def test_without_a_token_no_header_is_sent_and_a_401_stops_nothing() -> None:
    with ScriptedServer(in_turn(UNAUTHORIZED, Reply())) as server:
        async with Transport(Host.parse(server.url), None, clock=PassingClock(), options=options()) as transport:
            with pytest.raises(NotSignedInError, match="no token is set"):
                await transport.get(JOBS)
            await transport.get(JOBS)
    assert len(server.seen) == 2
    assert "private-token" not in server.seen[0].headers


async def test_a_401_with_a_good_token_is_a_matter_of_role_for_that_call_alone() -> None:
    handler = by_path({SEARCH: UNAUTHORIZED, SELF: Reply(body={"active": True}), JOBS: Reply(body=[])})
    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(NotAllowedError, match="Developer role"):
                await transport.post_query(SEARCH, {})
            assert (await transport.get(JOBS)).json() == []
            assert transport.stopped is None
    assert server.paths() == [SEARCH, SELF, JOBS]


async def test_a_view_that_may_not_be_read_costs_no_second_request_each_time() -> None:
    clock = PassingClock()
    handler = by_path({SEARCH: UNAUTHORIZED, SELF: Reply(body={"active": True})})
    with ScriptedServer(handler) as server:
        async with transport_to(server.url, clock=clock) as transport:
            results = await asyncio.gather(
                *(transport.post_query(SEARCH, {}) for _ in range(6)), return_exceptions=True
            )
            assert {type(result) for result in results} == {NotAllowedError}
            assert server.paths().count(SELF) == 1
            await clock.sleep(31)
            with pytest.raises(NotAllowedError):
                await transport.post_query(SEARCH, {})
            assert server.paths().count(SELF) == 2


async def test_a_token_revoked_right_after_it_was_good_is_noticed() -> None:
    revoked = Reply(401, {"error": "invalid_token", "error_description": "Token was revoked."})
    replies = in_turn(UNAUTHORIZED, Reply(body={"active": True}), revoked)
    with ScriptedServer(replies) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(NotAllowedError):
                await transport.post_query(SEARCH, {})
            with pytest.raises(NotSignedInError, match="revoked"):
                await transport.post_query(SEARCH, {})


async def test_a_401_with_a_bad_token_stops_the_host() -> None:
    gone = Reply(401, {"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize."})
    with ScriptedServer(in_turn(gone)) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(NotSignedInError, match="Token was revoked"):
                await transport.get(JOBS)
            assert transport.stopped is not None
            for _ in range(3):
                with pytest.raises(NotSignedInError, match="Token was revoked"):
                    await transport.get(JOBS)
            with pytest.raises(NotSignedInError):
                await transport.send(ApiCall(Method.POST, JOBS))
            with pytest.raises(NotSignedInError):
                async with transport.stream(FILE):
                    pass
    assert server.paths() == [JOBS, SELF]


async def test_many_views_at_once_ask_about_a_bad_token_once() -> None:
    with ScriptedServer(in_turn(UNAUTHORIZED)) as server:
        async with transport_to(server.url) as transport:
            results = await asyncio.gather(*(transport.get(JOBS) for _ in range(6)), return_exceptions=True)
    assert {type(result) for result in results} == {NotSignedInError}
    assert server.paths().count(SELF) == 1


async def test_a_new_token_starts_the_host_again() -> None:
    renewed = "glpat-" + "r" * 20

    def handler(seen: object) -> Reply:
        return Reply(body=[]) if server.seen[-1].headers["private-token"] == renewed else UNAUTHORIZED

    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(NotSignedInError):
                await transport.get(JOBS)
            transport.sign_in(credential(token=renewed))
            assert (await transport.get(JOBS)).json() == []


async def test_an_oauth_token_is_good_when_the_token_route_refuses_its_kind() -> None:
    refusal = Reply(400, {"message": "400 Bad request - This endpoint requires another type of token"})
    with ScriptedServer(by_path({SEARCH: UNAUTHORIZED, SELF: refusal})) as server:
        async with transport_to(server.url, kind=TokenKind.OAUTH) as transport:
            with pytest.raises(NotAllowedError):
                await transport.post_query(SEARCH, {})
            assert transport.stopped is None


async def test_a_job_token_is_asked_for_its_job() -> None:
    handler = by_path({JOBS: UNAUTHORIZED, "/api/v4/job": Reply(body={"id": 1})})
    with ScriptedServer(handler) as server:
        async with transport_to(server.url, kind=TokenKind.JOB) as transport:
            with pytest.raises(NotAllowedError):
                await transport.get(JOBS)
    assert server.paths() == [JOBS, "/api/v4/job"]


async def test_a_token_that_cannot_be_judged_now_stops_nothing() -> None:
    with ScriptedServer(in_turn(UNAUTHORIZED)) as server, FaultProxy(server.url) as proxy:
        proxy.play(Drop(), path=SELF)
        async with transport_to(proxy.url) as transport:
            with pytest.raises(UnreachableError, match="check the token"):
                await transport.get(JOBS)
            assert transport.stopped is None


@pytest.mark.parametrize("url", ["http://gitlab.example.com", "http://10.0.0.7:8080", "http://127.example.com"])
def test_a_token_never_crosses_a_network_in_the_clear(url: str) -> None:
    with pytest.raises(ConfigError, match="plain http"):
        transport_to(url)
    require_safe_channel(Host.parse(url), None)


@pytest.mark.parametrize(
    "url", ["https://gitlab.example.com", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"]
)
def test_a_token_may_travel_encrypted_or_on_this_machine(url: str) -> None:
    require_safe_channel(Host.parse(url), credential())


@pytest.mark.parametrize("token", ["", " ", "a b", "abc\n", "töken", "x\x00"])
def test_what_cannot_be_a_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Credential.personal(token)
    assert token.strip() == "" or token.strip() not in str(caught.value)


def test_a_credential_does_not_show_its_token() -> None:
    mine = credential()
    for text in (repr(mine), str(mine), f"{mine}", f"{mine.secret}", f"{mine.secret:>10}", mine.fingerprint):
        assert TOKEN not in text
    with pytest.raises(TypeError):
        pickle.dumps(mine)


def test_fingerprints_tell_tokens_apart() -> None:
    assert credential().fingerprint == credential().fingerprint
    assert credential().fingerprint != Credential(TokenKind.PERSONAL, Secret("glpat-" + "r" * 20)).fingerprint
