"""Projects and the token's place in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.projects import Role
from mlops_tui.gitlab.authentication import Credential
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.projects import ProjectDirectory, role_of
from mlops_tui.gitlab.transport import Transport
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, Tier
from tests.gitlab.scripted import PassingClock, Reply, ScriptedServer, by_path, in_turn, options, transport_to

PROJECT: dict[str, Any] = {
    "id": 7,
    "path_with_namespace": "acme/fraud",
    "default_branch": "main",
    "web_url": "https://gl.example/acme/fraud",
    "permissions": {"project_access": {"access_level": 30}, "group_access": {"access_level": 40}},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running(Settings()) as started:
        yield started


def signed_in(sandbox: RunningSandbox, role: str) -> Transport:
    return Transport(
        Host.parse(sandbox.url), Credential.personal(sandbox.tokens[role]), clock=PassingClock(), options=options()
    )


@pytest.mark.parametrize(
    ("name", "role"),
    [("maintainer", Role.MAINTAINER), ("developer", Role.DEVELOPER), ("reporter", Role.REPORTER)],
)
async def test_a_project_is_found_by_path_and_by_id_with_the_role(
    sandbox: RunningSandbox, name: str, role: Role
) -> None:
    async with signed_in(sandbox, name) as transport:
        directory = ProjectDirectory(transport)
        project = await directory.project("acme/fraud")
        assert await directory.project(project.ref.id) is project
    assert project.ref.path == "acme/fraud"
    assert project.ref.id == sandbox.project_id("acme/fraud")
    assert project.default_branch == "main"
    assert project.role is role
    assert project.has_deployment_approvals


@pytest.mark.parametrize("tier", [Tier.CE, Tier.FREE])
async def test_without_a_licence_there_are_no_deployment_approvals(tier: Tier) -> None:
    with running(Settings(tier=tier)) as sandbox:
        async with signed_in(sandbox, "maintainer") as transport:
            project = await ProjectDirectory(transport).project("acme/fraud")
    assert not project.has_deployment_approvals


async def test_a_group_stands_for_its_projects(sandbox: RunningSandbox) -> None:
    async with signed_in(sandbox, "developer") as transport:
        refs = await ProjectDirectory(transport).group_projects("acme")
    assert [ref.path for ref in refs] == sorted(ref.path for ref in refs)
    assert {"acme/churn", "acme/demand", "acme/fraud"} <= {ref.path for ref in refs}


async def test_an_unknown_project_is_not_found(sandbox: RunningSandbox) -> None:
    async with signed_in(sandbox, "developer") as transport:
        with pytest.raises(NotFoundError, match="read the project acme/nope"):
            await ProjectDirectory(transport).project("acme/nope")


async def test_a_project_is_asked_for_once_however_many_want_it() -> None:
    with ScriptedServer(in_turn(Reply(body=PROJECT))) as server:
        async with transport_to(server.url) as transport:
            directory = ProjectDirectory(transport)
            found = await asyncio.gather(*(directory.project("acme/fraud") for _ in range(5)))
            await directory.project(7)
            await directory.project("/acme/fraud/")
            assert server.paths() == ["/api/v4/projects/acme%2Ffraud"]
            directory.forget()
            await directory.project("acme/fraud")
    assert len({id(project) for project in found}) == 1
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("permissions", "role"),
    [
        ({"project_access": {"access_level": 30}, "group_access": {"access_level": 40}}, Role.MAINTAINER),
        ({"project_access": {"access_level": 30}, "group_access": None}, Role.DEVELOPER),
        ({"project_access": {"access_level": 32}}, Role.DEVELOPER),
        (None, Role.NONE),
    ],
)
async def test_the_higher_of_two_memberships_counts(permissions: object, role: Role) -> None:
    with ScriptedServer(in_turn(Reply(body={**PROJECT, "permissions": permissions}))) as server:
        async with transport_to(server.url) as transport:
            assert (await ProjectDirectory(transport).project(7)).role is role
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("member", "role"), [(Reply(body={"access_level": 30}), Role.DEVELOPER), (Reply(404), Role.NONE)]
)
async def test_who_comes_by_an_invited_group_is_looked_up(member: Reply, role: Role) -> None:
    handler = by_path(
        {
            "/api/v4/projects/7": Reply(
                body={**PROJECT, "permissions": {"project_access": None, "group_access": None}}
            ),
            "/api/v4/user": Reply(body={"id": 3, "username": "dana"}),
            "/api/v4/projects/7/members/all/3": member,
        }
    )
    with ScriptedServer(handler) as server:
        async with transport_to(server.url) as transport:
            assert (await ProjectDirectory(transport).project(7)).role is role


async def test_names_are_cleaned() -> None:
    with ScriptedServer(in_turn(Reply(body={**PROJECT, "path_with_namespace": "acme/\x1b[31mfraud"}))) as server:
        async with transport_to(server.url) as transport:
            assert (await ProjectDirectory(transport).project(7)).ref.path == "acme/fraud"


@pytest.mark.parametrize(("level", "role"), [(-1, Role.NONE), (0, Role.NONE), (17, Role.PLANNER), (99, Role.ADMIN)])
def test_unknown_levels_count_as_the_next_lower_role(level: int, role: Role) -> None:
    assert role_of(level) is role
