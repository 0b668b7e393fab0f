"""Pages of a list: offset paging and keyset paging (GitLab: lib/gitlab/pagination/)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.responses import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

    Render = Callable[[Row], Any]

MAXIMUM_COUNT = 10_000
MAXIMUM_PER_PAGE = 100
PAGING = (
    optional("page", Kind.INTEGER, default=1, minimum=1),
    optional("per_page", Kind.INTEGER, default=20, minimum=1),
)
_CREDENTIALS = {"private_token", "access_token", "job_token"}


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list was asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.number - 1) * self.size


def requested_page(context: Context) -> Page:
    """Read `page` and `per_page`; more than 100 rows a page are cut to 100.

    Raises:
        ApiError: 400 when either is below 1 or no number.
    """
    given = context.declare(*PAGING)
    return Page(given["page"] or 1, min(given["per_page"] or 20, MAXIMUM_PER_PAGE))


def paginate(
    context: Context,
    select: str,
    arguments: Sequence[Any],
    render: Render,
    *,
    order: str,
    without_count: bool = False,
) -> JsonResponse:
    """Answer one page of a SELECT; `order` is what follows ORDER BY, made of our own literals only."""
    page = requested_page(context)
    database = context.database
    window = f"{select} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = database.all(window, (*arguments, page.size + 1, page.offset))
    total: int | None = None
    if not without_count:
        # One more than the limit is enough to know that it is exceeded.
        counting = f"SELECT count(*) FROM (SELECT 1 FROM ({select}) LIMIT {MAXIMUM_COUNT + 1})"  # noqa: S608 - our own SELECT
        total = database.value(counting, tuple(arguments))
    headers = page_headers(context, page, more=len(rows) > page.size, total=total)
    return context.json([render(row) for row in rows[: page.size]], headers=headers)


def paginate_sequence(context: Context, items: Sequence[Any], *, without_count: bool = False) -> JsonResponse:
    """Answer one page of rendered items that are in memory already."""
    page = requested_page(context)
    total = None if without_count else len(items)
    more = len(items) > page.offset + page.size
    headers = page_headers(context, page, more=more, total=total)
    return context.json(list(items[page.offset : page.offset + page.size]), headers=headers)


def page_headers(context: Context, page: Page, *, more: bool, total: int | None) -> dict[str, str]:
    """Return the header set of offset paging; totals are left out when unknown or above 10,000."""
    if total is not None and total > MAXIMUM_COUNT:
        total = None
    following = str(page.number + 1) if more else ""
    preceding = str(page.number - 1) if page.number > 1 else ""
    headers = {
        "X-Per-Page": str(page.size),
        "X-Page": str(page.number),
        "X-Next-Page": following,
        "X-Prev-Page": preceding,
    }
    relations = [("prev", preceding), ("next", following), ("first", "1")]
    if total is not None:
        pages = max(1, -(-total // page.size))
        headers |= {"X-Total": str(total), "X-Total-Pages": str(-(-total // page.size))}
        relations.append(("last", str(pages)))
    headers["Link"] = ", ".join(
        _link(context, {"page": number, "per_page": str(page.size)}, relation)
        for relation, number in relations
        if number
    )
    return headers


def _link(context: Context, changes: Mapping[str, str], relation: str) -> str:
    repeated = [
        pair
        for pair in context.request.query_params.multi_items()
        if pair[0] not in changes and pair[0] not in _CREDENTIALS
    ]
    text = urlencode(sorted([*repeated, *changes.items()]))
    return f'<{context.url(context.request.url.path)}?{text}>; rel="{relation}"'


@dataclass(frozen=True, slots=True)
class Key:
    """The order of a keyset list: one column, made unique by `id`; `cursor` tells the newer of the two link forms."""

    column: str = "id"
    descending: bool = True
    cursor: bool = False


def wants_keyset(context: Context) -> bool:
    """Tell whether the caller asked for keyset paging."""
    return context.params.get("pagination") == "keyset"


def keyset_unavailable() -> errors.ApiError:
    """405 for a list or an order without keyset paging."""
    return errors.not_allowed("Keyset pagination is not yet available for this type of request")


def paginate_keyset(
    context: Context, select: str, arguments: Sequence[Any], render: Render, *, key: Key
) -> JsonResponse:
    """Answer one keyset page of a SELECT that has the columns `id` and `key.column`."""
    size = requested_page(context).size
    position = _position(context, key)
    direction, sign = ("DESC", "<") if key.descending else ("ASC", ">")
    condition, bound = "", list(arguments)
    if position is not None:
        condition = f" WHERE ({key.column}, id) {sign} (?, ?)"
        bound += position
    order = f"{key.column} {direction}, id {direction}"
    statement = f"SELECT * FROM ({select}){condition} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own SELECT
    rows = context.database.all(statement, (*bound, size + 1))
    page, more = rows[:size], len(rows) > size
    headers = _keyset_headers(context, page, key, size) if more else {}
    if key.cursor and not more:
        headers = {"X-NEXT-CURSOR": "", "X-PREV-CURSOR": ""}
    return context.json([render(row) for row in page], headers=headers)


def _position(context: Context, key: Key) -> list[Any] | None:
    if key.cursor:
        given = context.params.get("cursor")
        return _decode_cursor(str(given), key) if given else None
    name = "id_before" if key.descending else "id_after"
    after = context.declare(optional(name, Kind.INTEGER)).get(name)
    return None if after is None else [after, after]


def _keyset_headers(context: Context, page: Sequence[Row], key: Key, size: int) -> dict[str, str]:
    last = page[-1]
    if not key.cursor:
        name = "id_before" if key.descending else "id_after"
        return {"Link": _link(context, {name: str(last["id"]), "per_page": str(size)}, "next")}
    cursor = _encode_cursor(last, key)
    link = _link(context, {"cursor": cursor, "per_page": str(size)}, "next")
    return {"Link": link, "X-NEXT-CURSOR": cursor, "X-PREV-CURSOR": ""}


def _encode_cursor(row: Row, key: Key) -> str:
    content = {key.column: row[key.column], "id": str(row["id"]), "_kd": "n"}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode()


def _decode_cursor(text: str, key: Key) -> list[Any]:
    try:
        content = orjson.loads(base64.urlsafe_b64decode(text))
        value = content[key.column]
        return [int(value) if key.column == "id" else value, int(content["id"])]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise errors.parameter("cursor is invalid") from None
