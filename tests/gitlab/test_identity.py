"""Who is signed in, asked of a whole GitLab of the sandbox's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from mlops_tui.domain.credentials import TokenKind
from mlops_tui.domain.errors import NotSignedInError
from mlops_tui.domain.identity import Instance, TokenDetails
from mlops_tui.gitlab.authentication import Credential
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.identity import current_user, read_identity, read_instance, token_details
from mlops_tui.gitlab.transport import Transport
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings
from tests.gitlab.scripted import PassingClock, Reply, ScriptedServer, by_path, options, transport_to


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running(Settings(root_path="/gitlab")) as started:
        yield started


def signed_in(sandbox: RunningSandbox, token: str) -> Transport:
    return Transport(Host.parse(sandbox.url), Credential.personal(token), clock=PassingClock(), options=options())


async def test_user_token_and_instance_are_read(sandbox: RunningSandbox) -> None:
    async with signed_in(
        sandbox, sandbox.make_token("developer", scopes=("api",), expires_at="2099-01-31")
    ) as transport:
        identity = await read_identity(transport)
    assert identity.user.username
    assert identity.token is not None
    assert identity.token.scopes == {"api"}
    assert identity.token.expires_on == date(2099, 1, 31)
    assert identity.token.is_active
    assert identity.instance is not None
    assert identity.instance.is_enterprise
    assert identity.instance.release >= (18, 9)


async def test_each_token_is_its_own_user(sandbox: RunningSandbox) -> None:
    names = set()
    for token in sandbox.tokens.values():
        async with signed_in(sandbox, token) as transport:
            names.add((await current_user(transport)).username)
    assert len(names) == len(sandbox.tokens)


async def test_a_token_that_does_not_exist_stops_the_host(sandbox: RunningSandbox) -> None:
    async with signed_in(sandbox, "glpat-" + "0" * 20) as transport:
        with pytest.raises(NotSignedInError):
            await current_user(transport)
        assert transport.stopped is not None


async def test_a_job_token_is_known_by_its_job_alone() -> None:
    job = {"id": 5, "user": {"id": 3, "username": "ci", "name": "CI"}}
    with ScriptedServer(by_path({"/api/v4/job": Reply(body=job)})) as server:
        async with transport_to(server.url, kind=TokenKind.JOB) as transport:
            identity = await read_identity(transport)
    assert (identity.user.username, identity.token, identity.instance) == ("ci", None, None)
    assert server.paths() == ["/api/v4/job"]


async def test_an_oauth_token_is_not_asked_for_what_gitlab_does_not_tell() -> None:
    with ScriptedServer(by_path({})) as server:
        async with transport_to(server.url, kind=TokenKind.OAUTH) as transport:
            assert await token_details(transport) is None
            assert await read_instance(transport) is None
    assert server.paths() == ["/api/v4/metadata"]


def test_scopes_tell_what_a_token_may() -> None:
    reader = TokenDetails("ci", frozenset({"read_api"}), None, is_active=True)
    assert (reader.may_read, reader.may_write) == (True, False)
    writer = TokenDetails("ci", frozenset({"api"}), date(2026, 3, 4), is_active=True)
    assert (writer.may_read, writer.may_write) == (True, True)
    assert reader.days_left(date(2026, 3, 2)) is None
    assert [writer.days_left(date(2026, 3, day)) for day in (2, 4, 5)] == [2, 0, -1]


@pytest.mark.parametrize(("version", "release"), [("18.9.1-ee", (18, 9)), ("19.0.0-pre", (19, 0)), ("main", (0, 0))])
def test_the_release_is_read_from_the_version(version: str, release: tuple[int, int]) -> None:
    assert Instance(version, is_enterprise=True).release == release
