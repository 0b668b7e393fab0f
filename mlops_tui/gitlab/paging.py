"""Walks lists page by page, in each of the three ways GitLab cuts them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from mlops_tui.gitlab.hosts import Host, Parameters
from mlops_tui.gitlab.messages import Answer

PAGE_SIZE = 100


class Reader(Protocol):
    """What paging needs of the transport."""

    @property
    def host(self) -> Host:
        """The instance that is asked."""
        ...

    async def get(self, path: str, params: Parameters | None = None, *, what: str = "") -> Answer:
        """Read one page."""
        ...

    async def post_query(self, path: str, body: Mapping[str, Any], *, what: str = "") -> Answer:
        """Read one page of a search."""
        ...


async def offset_pages(
    reader: Reader, path: str, params: Parameters | None, *, per_page: int, what: str
) -> AsyncIterator[list[Any]]:
    """Pages by number until GitLab names no next one; works where nothing is counted too."""
    page = 1
    while True:
        answer = await reader.get(path, {"per_page": per_page, **(params or {}), "page": page}, what=what)
        yield _rows(answer)
        following = answer.next_page
        if following is None:
            return
        if following <= page:
            raise answer.unreadable(f"page {page} names page {following} as the next one")
        page = following


async def keyset_pages(
    reader: Reader, path: str, params: Parameters | None, *, per_page: int, what: str
) -> AsyncIterator[list[Any]]:
    """Pages by the ``next`` link, taken on our own address since GitLab writes the host name of its settings."""
    answer = await reader.get(path, {"pagination": "keyset", "per_page": per_page, **(params or {})}, what=what)
    seen: set[str] = set()
    while True:
        yield _rows(answer)
        link = answer.next_link
        if link is None:
            return
        following = reader.host.local_path(link)
        if following is None or following in seen:
            raise answer.unreadable("the link to the next page leads nowhere new")
        seen.add(following)
        answer = await reader.get(following, what=what)


async def token_pages(
    reader: Reader, path: str, body: Mapping[str, Any] | None, params: Parameters | None, *, what: str
) -> AsyncIterator[dict[str, Any]]:
    """Pages of the MLflow routes by ``page_token``: a search when there is a body, else a GET with parameters."""
    token: str | None = None
    seen: set[str] = set()
    while True:
        cursor = {"page_token": token} if token else {}
        if body is None:
            answer = await reader.get(path, {**(params or {}), **cursor}, what=what)
        else:
            answer = await reader.post_query(path, {**body, **cursor}, what=what)
        page = answer.json()
        if not isinstance(page, dict):
            raise answer.unreadable("an object was expected")
        yield page
        following = page.get("next_page_token")
        if not following:
            return
        if not isinstance(following, str) or following in seen:
            raise answer.unreadable("the token of the next page leads nowhere new")
        seen.add(following)
        token = following


def _rows(answer: Answer) -> list[Any]:
    rows = answer.json()
    if not isinstance(rows, list):
        raise answer.unreadable("a list was expected")
    return rows
