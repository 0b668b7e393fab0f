"""Conditional requests and the headers of every answer."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox()


def test_an_unchanged_answer_is_304_without_a_body(server: RunningSandbox) -> None:
    first = client(server).get(f"{project(server)}/labels")
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    assert first.headers["cache-control"] == "max-age=0, private, must-revalidate"

    again = client(server).get(f"{project(server)}/labels", headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["x-total"] == first.headers["x-total"]


def test_a_changed_answer_is_sent_whole(server: RunningSandbox) -> None:
    path = f"{project(server)}/issues"
    etag = client(server).get(path).headers["etag"]
    client(server).post(path, json={"title": "News"})

    again = client(server).get(path, headers={"If-None-Match": etag})

    assert again.status_code == 200
    assert again.headers["etag"] != etag


def test_errors_and_writes_carry_no_etag(server: RunningSandbox) -> None:
    assert "etag" not in client(server).get("/projects/0").headers
    assert "etag" not in client(server).post(f"{project(server)}/issues", json={"title": "x"}).headers


@pytest.mark.parametrize("path", ["/version", "/no/such/route", "/projects/0"])
def test_every_answer_has_an_id_a_runtime_and_a_date(server: RunningSandbox, path: str) -> None:
    answers = [client(server).get(path) for _ in range(2)]

    assert answers[0].headers["x-request-id"] != answers[1].headers["x-request-id"]
    assert float(answers[0].headers["x-runtime"]) >= 0
    drift = parsedate_to_datetime(answers[0].headers["date"]) - server.clock.now()
    assert abs(drift.total_seconds()) < 60
