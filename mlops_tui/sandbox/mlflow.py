"""What every MLflow-compatible route shares: its path, its rights, its refusals and its page tokens.

GitLab: lib/api/ml/mlflow/entrypoint.rb, lib/api/ml/mlflow/api_helpers.rb.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role, is_visible
from mlops_tui.sandbox.authentication import READING_VERBS, Policy
from mlops_tui.sandbox.parameters import Kind, Parameter, optional, required
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.responses import Response
    from starlette.routing import Route

    from mlops_tui.sandbox.authentication import User
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

    Handler = Callable[[Context], Awaitable[Response]]

ROOT = "/projects/{id}/ml/mlflow/api/2.0"
MAXIMUM_RESULTS = 1000
TAGS = optional("tags", Kind.HASHES, children=(required("key"), required("value")))
_POLICY = Policy(scopes=("api", "read_api"), authenticated=True)


def mlflow_route(verb: str, path: str, handler: Handler) -> Route:
    """Return a route of the tracking namespace, e.g. `runs/get`."""
    return route(verb, f"{ROOT}/mlflow/{path}", handler, _POLICY)


def artifacts_route(path: str, handler: Handler) -> Route:
    """Return a route of the artifacts namespace, which has no other verb than GET."""
    return route("GET", f"{ROOT}/mlflow-artifacts/{path}", handler, _POLICY)


def may_read(project: Project, user: User | None, role: Role, feature: str) -> bool:
    """Tell whether a caller sees a feature: `model_experiments` or `model_registry` (GitLab: project_policy.rb)."""
    access = project.attribute(f"{feature}_access_level", "enabled")
    if access == "disabled" or (access == "private" and role < Role.GUEST):
        return False
    return is_visible(project.visibility, user, role) and (project.visibility == "public" or role >= Role.GUEST)


def may_write(project: Project, role: Role, feature: str) -> bool:
    """Tell whether a caller may change a feature's records."""
    return project.attribute(f"{feature}_access_level", "enabled") != "disabled" and role >= Role.DEVELOPER


def experiments_project(context: Context) -> Project:
    """Return the project of a request about experiments or runs; anything but GET needs the right to write.

    Raises:
        ApiError: 404 without the right to read, 401 (not 403) without the right to write.
    """
    return _authorized(context, "model_experiments", writes=context.request.method not in READING_VERBS)


def registry_project(context: Context, *, writes: bool = False) -> Project:
    """Return the project of a request about models, model versions or artifacts.

    Raises:
        ApiError: 404 without the right to read, 401 (not 403) without the right to write.
    """
    project = _authorized(context, "model_experiments", writes=False)
    if not may_read(project, context.user, context.role(project), "model_registry"):
        raise errors.not_found()
    if writes and not may_write(project, context.role(project), "model_registry"):
        raise errors.unauthorized()
    return project


def _authorized(context: Context, feature: str, *, writes: bool) -> Project:
    project = context.project()
    role = context.role(project)
    if not may_read(project, context.user, role, feature):
        raise errors.not_found()
    if writes and not may_write(project, role, feature):
        raise errors.unauthorized()
    return project


def does_not_exist() -> errors.ApiError:
    """404 for a record that MLflow would call a resource; the body has no message."""
    return errors.ApiError(404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})


def already_exists() -> errors.ApiError:
    """400 for a create that was refused; the body has no message."""
    return errors.ApiError(400, {"error_code": "RESOURCE_ALREADY_EXISTS"})


def invalid_parameter(text: str | Sequence[str] | None = None) -> errors.ApiError:
    """400 for a record that does not pass its validations; the message may be a text, a list or null."""
    return errors.ApiError(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": text})


def check_violation(table: str) -> errors.ApiError:
    """400 for a value that only the database refuses, with the words of PostgreSQL."""
    return invalid_parameter(
        f'PG::CheckViolation: ERROR:  new row for relation "{table}" violates a check constraint\n'
    )


def pages(default_order: str, size: int = 200) -> tuple[Parameter, ...]:
    """Return the declarations of a paged search."""
    return (
        optional("max_results", Kind.INTEGER, default=size),
        optional("order_by", default=default_order),
        optional("page_token"),
    )


@dataclass(frozen=True, slots=True)
class Order:
    """One sort column of a keyset: its name in the token, its SQL and its direction."""

    name: str
    expression: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Search:
    """A SELECT with WHERE and without ORDER BY, and its sort columns, of which the last is unique.

    Every sort column must be selected under its name.
    """

    select: str
    arguments: tuple[Any, ...]
    orders: tuple[Order, ...]


def page_of(context: Context, search: Search, given: Mapping[str, Any]) -> tuple[list[Row], str | None]:
    """Return one page of a search and the token of the next, None on the last page.

    Raises:
        ApiError: 500 for a token that is none, as in GitLab.
    """
    size = max(0, min(given["max_results"] if given["max_results"] is not None else 200, MAXIMUM_RESULTS))
    condition = ""
    bound: list[Any] = []
    if given.get("page_token"):
        condition, bound = _after(search.orders, _decode(given["page_token"], search.orders))
    order = ", ".join(f"{order.expression} {'DESC' if order.descending else 'ASC'}" for order in search.orders)
    statement = f"{search.select}{condition} ORDER BY {order} LIMIT ?"
    rows = context.database.all(statement, (*search.arguments, *bound, size + 1))
    if len(rows) <= size or not size:
        return rows[:size], None
    return rows[:size], _encode(rows[size - 1], search.orders)


def _after(orders: Sequence[Order], values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition of "comes later"; its first term is what lets an index be used."""
    signs = ["<" if order.descending else ">" for order in orders]
    alternatives: list[str] = []
    bound = [values[0]]
    for position, order in enumerate(orders):
        equal = [f"{earlier.expression} = ?" for earlier in orders[:position]]
        alternatives.append(" AND ".join([*equal, f"{order.expression} {signs[position]} ?"]))
        bound += values[: position + 1]
    return f" AND {orders[0].expression} {signs[0]}= ? AND ({' OR '.join(alternatives)})", bound


def _encode(row: Row, orders: Sequence[Order]) -> str:
    content = {order.name: row[order.name] for order in orders} | {"id": str(row["id"]), "_kd": "n"}
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def _decode(token: str, orders: Sequence[Order]) -> list[Any]:
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
        return [int(content["id"]) if order.name == "id" else content[order.name] for order in orders]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise errors.message(500, "500 Internal Server Error") from None


def split_order(order_by: str) -> tuple[str, str | None]:
    """Split `name desc` into the column and the direction in lower case, None when none is given."""
    column, _, direction = order_by.strip().partition(" ")
    lowered = direction.strip().lower()
    return column, lowered if lowered in {"asc", "desc"} else None
