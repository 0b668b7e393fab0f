"""Connections: lists in pages by cursor (GitLab: lib/gitlab/graphql/pagination/)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Database

MAXIMUM_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list was asked for; the size is that of the page."""

    size: int
    backward: bool
    after: str | None
    before: str | None

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Window:
        """Read `first`, `last`, `after` and `before`.

        Raises:
            GraphQLError: when both directions are asked for at once.
        """
        first, last = arguments.get("first"), arguments.get("last")
        if first is not None and last is not None:
            raise GraphQLError("Can only provide either `first` or `last`, not both")
        wanted = last if last is not None else first
        size = MAXIMUM_PAGE_SIZE if wanted is None else max(0, min(wanted, MAXIMUM_PAGE_SIZE))
        return cls(size, last is not None, arguments.get("after"), arguments.get("before"))


@dataclass(frozen=True, slots=True)
class Page:
    """One page, with the cursor of each of its nodes."""

    nodes: Sequence[Any]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


class Listing(Protocol):
    """A list that a connection field answers with; the engine cuts the page."""

    def page(self, window: Window) -> Page:
        """Return one page."""

    def count(self, limit: int) -> int:
        """Return the number of nodes, or `limit + 1` when there are more."""


@dataclass(frozen=True, slots=True)
class SqlListing:
    """The rows of a SELECT with the columns `id` and `column`, sorted by the column and then by id.

    The statement has no ORDER BY. Ties are broken by the higher id first.
    """

    database: Database
    select: str
    arguments: tuple[Any, ...]
    column: str = "id"
    descending: bool = True

    def page(self, window: Window) -> Page:
        """Return one page."""
        id_descending = self.descending if self.column == "id" else True
        conditions, bound = [], list(self.arguments)
        for cursor, later in ((window.after, True), (window.before, False)):
            if cursor:
                value, row_id = self._position(cursor)
                sign = "<" if self.descending == later else ">"
                id_sign = "<" if id_descending == later else ">"
                conditions.append(f"({self.column} {sign} ? OR ({self.column} = ? AND id {id_sign} ?))")
                bound += [value, value, row_id]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order = (
            f"{self.column} {_direction(self.descending, window.backward)}, "
            f"id {_direction(id_descending, window.backward)}"
        )
        statement = f"SELECT * FROM ({self.select}){where} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own SELECT
        rows = self.database.all(statement, (*bound, window.size + 1))
        more, rows = len(rows) > window.size, rows[: window.size]
        if window.backward:
            rows.reverse()
        return Page(rows, [self._cursor(row) for row in rows], *_ends(window, more))

    def count(self, limit: int) -> int:
        """Return the number of rows, or `limit + 1` when there are more."""
        statement = f"SELECT count(*) FROM (SELECT 1 FROM ({self.select}) LIMIT ?)"  # noqa: S608 - our own SELECT
        return int(self.database.value(statement, (*self.arguments, limit + 1)))

    def _cursor(self, row: Any) -> str:
        return _encode({self.column: row[self.column], "id": str(row["id"])})

    def _position(self, cursor: str) -> tuple[Any, int]:
        content = _decode(cursor)
        try:
            row_id = int(content["id"])
            return (row_id if self.column == "id" else content[self.column]), row_id
        except (KeyError, ValueError, TypeError):
            raise _invalid(cursor) from None


@dataclass(frozen=True, slots=True)
class ItemListing:
    """Items that are in memory; a cursor is a position."""

    items: Sequence[Any] = field(default_factory=tuple)

    def page(self, window: Window) -> Page:
        """Return one page."""
        start = self._position(window.after) if window.after else 0
        end = self._position(window.before) - 1 if window.before else len(self.items)
        positions = range(start, max(start, min(end, len(self.items))))
        chosen = positions[-window.size :] if window.backward and window.size else positions[: window.size]
        nodes = [self.items[position] for position in chosen]
        cursors = [_encode({"offset": position + 1}) for position in chosen]
        return Page(nodes, cursors, *_ends(window, len(positions) > len(chosen)))

    def count(self, limit: int) -> int:
        """Return the number of items, or `limit + 1` when there are more."""
        return min(len(self.items), limit + 1)

    def _position(self, cursor: str) -> int:
        try:
            return int(_decode(cursor)["offset"])
        except (KeyError, ValueError, TypeError):
            raise _invalid(cursor) from None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connection field resolves to."""

    listing: Listing
    shown: Page

    @classmethod
    def cut(cls, listing: Listing, arguments: Mapping[str, Any]) -> Connection:
        """Cut the page that the arguments of a field ask for."""
        return cls(listing, listing.page(Window.from_arguments(arguments)))

    def resolve(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return one of the connection's fields."""
        match name:
            case "nodes":
                return self.shown.nodes
            case "edges":
                pairs = zip(self.shown.nodes, self.shown.cursors, strict=True)
                return [{"node": node, "cursor": cursor} for node, cursor in pairs]
            case "count":
                return self._count(arguments.get("limit"))
            case _:
                return self._page_info()

    def _count(self, limit: int | None) -> int:
        wanted = 1000 if limit is None else limit
        if not 1 <= wanted <= 1000:
            raise GraphQLError("Limit must be between 1 and 1000")
        return self.listing.count(wanted)

    def _page_info(self) -> dict[str, Any]:
        cursors = self.shown.cursors
        return {
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
            "hasNextPage": self.shown.has_next,
            "hasPreviousPage": self.shown.has_previous,
        }


def _direction(descending: bool, backward: bool) -> str:
    return "DESC" if descending != backward else "ASC"


def _ends(window: Window, more: bool) -> tuple[bool, bool]:
    if window.backward:
        return bool(window.before), more
    return more, bool(window.after)


def _encode(content: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> Mapping[str, Any]:
    try:
        content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise _invalid(cursor) from None
    if not isinstance(content, dict):
        raise _invalid(cursor)
    return content


def _invalid(cursor: str) -> GraphQLError:
    return GraphQLError(f"Invalid cursor: {cursor}")
