"""A sandbox below a relative URL root."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(root_path="/gitlab")


def test_the_root_is_part_of_every_url(server: RunningSandbox) -> None:
    assert server.url.endswith("/gitlab")
    shown = client(server).get(project(server)).json()
    assert shown["web_url"].startswith(f"{server.url}/")
    assert shown["_links"]["self"] == f"{server.url}/api/v4{project(server)}"
    links = client(server).get(f"{project(server)}/labels?per_page=1").links
    assert links["next"]["url"].startswith(f"{server.url}/api/v4/")
    assert client(server).get(links["next"]["url"]).status_code == 200


@pytest.mark.parametrize("path", ["/api/v4/version", "/gitlabs/api/v4/version", "/"])
def test_nothing_answers_outside_of_the_root(server: RunningSandbox, path: str) -> None:
    origin = server.url.removesuffix("/gitlab")
    assert httpx.get(origin + path, headers={"PRIVATE-TOKEN": server.tokens["maintainer"]}).status_code == 404


def test_encoded_paths_work_below_the_root(server: RunningSandbox) -> None:
    assert client(server).get("/projects/sandbox%2Fempty").json()["id"] == server.projects[0]["id"]
