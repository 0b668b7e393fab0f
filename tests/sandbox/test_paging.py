"""Offset and keyset paging, header by header."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    import httpx

    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

_COUNT = 7


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    """An own server with seven issues."""
    server = sandbox(fresh=True)
    for number in range(_COUNT):
        client(server).post(f"{project(server)}/issues", json={"title": f"Number {number}"}).raise_for_status()
    return server


def _links(answer: httpx.Response) -> dict[str, str]:
    return {str(relation): link["url"] for relation, link in answer.links.items()}


def test_the_middle_page_has_every_header(server: RunningSandbox) -> None:
    answer = client(server).get(f"{project(server)}/issues", params={"per_page": 3, "page": 2, "state": "opened"})

    names = ("x-page", "x-per-page", "x-prev-page", "x-next-page", "x-total", "x-total-pages")
    assert [answer.headers[name] for name in names] == ["2", "3", "1", "3", "7", "3"]
    assert list(_links(answer)) == ["prev", "next", "first", "last"]
    following = urlsplit(_links(answer)["next"])
    assert f"{following.scheme}://{following.netloc}{following.path}" == f"{server.url}/api/v4{project(server)}/issues"
    assert parse_qs(following.query) == {"page": ["3"], "per_page": ["3"], "state": ["opened"]}


def test_the_ends_have_empty_neighbours_and_no_link_to_them(server: RunningSandbox) -> None:
    path = f"{project(server)}/issues"
    first = client(server).get(path, params={"per_page": 5})
    last = client(server).get(path, params={"per_page": 5, "page": 2})

    assert (first.headers["x-prev-page"], first.headers["x-next-page"]) == ("", "2")
    assert (last.headers["x-prev-page"], last.headers["x-next-page"]) == ("1", "")
    assert "prev" not in _links(first)
    assert "next" not in _links(last)
    assert len(first.json()) == 5
    assert len(last.json()) == 2


def test_following_the_links_gives_each_row_once(server: RunningSandbox) -> None:
    seen: list[int] = []
    url: str | None = f"{project(server)}/issues?per_page=2"
    while url:
        answer = client(server).get(url)
        seen += [issue["iid"] for issue in answer.json()]
        url = _links(answer).get("next")

    assert seen == list(range(_COUNT, 0, -1))


def test_an_empty_list_is_one_page_without_rows(server: RunningSandbox) -> None:
    answer = client(server).get(f"{project(server)}/issues", params={"search": "nothing at all"})

    assert answer.json() == []
    assert (answer.headers["x-total"], answer.headers["x-next-page"]) == ("0", "")


@pytest.mark.parametrize("query", ["per_page=0", "page=0", "page=-1"])
def test_numbers_below_one_are_refused(server: RunningSandbox, query: str) -> None:
    answer = client(server).get(f"{project(server)}/issues?{query}")

    assert answer.status_code == 400
    assert answer.json() == {"error": f"{query.partition('=')[0]} does not have a valid value"}


def test_more_than_a_hundred_rows_are_cut_to_a_hundred(server: RunningSandbox) -> None:
    answer = client(server).get(f"{project(server)}/issues", params={"per_page": 5000})
    assert answer.headers["x-per-page"] == "100"


def test_commits_never_have_totals(server: RunningSandbox) -> None:
    answer = client(server).get(f"{project(server)}/repository/commits")

    assert "x-total" not in answer.headers
    assert "x-total-pages" not in answer.headers
    assert "last" not in _links(answer)
    assert answer.headers["x-next-page"] == ""


def test_totals_end_at_ten_thousand(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    path = f"{project(server)}/labels"
    have = int(client(server).get(path).headers["x-total"])

    def add(services: Services, first: int, last: int) -> None:
        project_id = server.projects[0]["id"]
        rows = [(project_id, f"label {number}", "#ffffff", "") for number in range(first, last)]
        statement = "INSERT INTO labels (project_id, name, color, created_at) VALUES (?, ?, ?, ?)"
        services.database.connection.executemany(statement, rows)

    server.call(lambda services: add(services, have, 10_000))
    assert client(server).get(path).headers["x-total"] == "10000"
    server.call(lambda services: add(services, 10_000, 10_001))
    answer = client(server).get(path)
    assert "x-total" not in answer.headers
    assert "last" not in _links(answer)
    assert answer.headers["x-next-page"] == "2"


@pytest.mark.parametrize(("order", "sort"), [("created_at", "asc"), ("created_at", "desc"), ("title", "asc")])
def test_keyset_pages_of_issues_give_each_row_once(server: RunningSandbox, order: str, sort: str) -> None:
    path = f"{project(server)}/issues"
    query = {"order_by": order, "sort": sort}
    expected = [issue["iid"] for issue in client(server).get(path, params=query).json()]

    answer = client(server).get(path, params={**query, "pagination": "keyset", "per_page": "3"})
    assert "x-page" not in answer.headers
    assert answer.headers["x-next-cursor"]
    seen = [issue["iid"] for issue in answer.json()]
    while following := _links(answer).get("next"):
        answer = client(server).get(following)
        seen += [issue["iid"] for issue in answer.json()]

    assert seen == expected


def test_keyset_paging_of_another_order_is_refused(server: RunningSandbox) -> None:
    query = {"pagination": "keyset", "order_by": "popularity"}
    answer = client(server).get(f"{project(server)}/issues", params=query)

    assert answer.status_code == 405
    assert answer.json() == {"error": "Keyset pagination is not yet available for this type of request"}


def test_projects_are_followed_by_id(sandbox: SandboxFactory) -> None:
    from mlops_tui.sandbox.settings import World

    server = sandbox(world=World.DEMO)
    query = {"pagination": "keyset", "order_by": "id", "sort": "asc", "per_page": "2"}
    first = client(server).get("/projects", params=query)
    following = _links(first)["next"]
    second = client(server).get(following)

    assert "id_after=" in following
    assert [item["id"] for item in first.json() + second.json()] == [item["id"] for item in server.projects]
    assert "link" not in second.headers


def test_a_token_in_the_query_is_not_repeated_in_links(server: RunningSandbox) -> None:
    secret = server.tokens["maintainer"]
    answer = client(server, role=None).get(f"{project(server)}/issues", params={"private_token": secret})

    assert answer.status_code == 200
    assert secret not in answer.headers["link"]
