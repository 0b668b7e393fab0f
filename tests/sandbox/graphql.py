"""Sending GraphQL queries to a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.factory import client

if TYPE_CHECKING:
    import httpx

    from mlops_tui.sandbox.server import RunningSandbox

PATH = "sandbox/empty"


def send(
    server: RunningSandbox, query: str, role: str | None = "maintainer", token: str | None = None, **variables: Any
) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return client(server, role, token).post(f"{server.url}/api/graphql", json=body)


def ask(server: RunningSandbox, query: str, role: str | None = "maintainer", **variables: Any) -> Any:
    """Return the data of a query that must succeed."""
    answer = send(server, query, role, **variables)
    assert answer.status_code == 200
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def messages(answer: httpx.Response) -> list[str]:
    return [error["message"] for error in answer.json()["errors"]]
