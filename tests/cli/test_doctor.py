"""``doctor`` on a token: what it opens, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings
from tests.cli.conftest import Program
from tests.config.files import write


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running(Settings()) as started:
        yield started


@pytest.mark.parametrize(
    ("scopes", "days", "verdict", "found"),
    [
        (("api",), None, "ok", "api; it never expires"),
        (("api",), 300, "ok", "days"),
        (("api",), 5, "info", "in 5 days"),
        (("read_api",), None, "info", "read_api: nothing can be changed, and runs cannot be searched; it"),
        (("read_user",), None, "wrong", "read_user: nothing can be read; make a token with read_api, or with api"),
    ],
)
def test_what_a_token_opens_and_until_when(
    program: Program,
    sandbox: RunningSandbox,
    tmp_path: Path,
    scopes: tuple[str, ...],
    days: int | None,
    verdict: str,
    found: str,
) -> None:
    ends = None if days is None else f"{datetime.now(UTC).date() + timedelta(days=days)}"
    token = write(tmp_path / "token", sandbox.make_token("maintainer", scopes=scopes, expires_at=ends))
    flags = ("--url", sandbox.url, "--project", "acme/fraud", "--token-file", str(token))
    items = program("doctor", *flags, "-o", "json").document["items"]
    (told,) = [item for item in items if item["check"] == "scopes"]
    assert told["verdict"] == verdict
    assert found in told["found"]
