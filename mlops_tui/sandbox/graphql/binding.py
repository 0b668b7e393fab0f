"""From SDL files and resolvers to one executable schema."""

from __future__ import annotations

import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLFloat,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    get_named_type,
)

import mlops_tui.sandbox.graphql
from mlops_tui.sandbox.graphql.connections import Connection
from mlops_tui.sandbox.graphql.scalars import LENIENT_FLOAT, id_reader, id_writer, write_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLField, GraphQLResolveInfo, GraphQLSchema

    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PAGING = ("first", "last", "after", "before")


@dataclass(frozen=True, slots=True)
class Bindings:
    """What the modules of this package declare: `RESOLVERS`, `CALL_LIMITS` and `GLOBAL_IDS`."""

    resolvers: dict[str, dict[str, Resolver]] = field(default_factory=dict)
    call_limits: dict[str, int] = field(default_factory=dict)
    global_ids: dict[str, str] = field(default_factory=dict)


@cache
def schema() -> GraphQLSchema:
    """Return the schema of every SDL file of this package, with its resolvers."""
    folder = resources.files("mlops_tui.sandbox.graphql")
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".graphql")), key=lambda entry: entry.name
    )
    built = build_schema("\n".join(entry.read_text(encoding="utf-8") for entry in files))
    bindings = _bindings()
    _check(built, bindings)
    for kind in built.type_map.values():
        if isinstance(kind, GraphQLScalarType):
            _bind_scalar(kind, bindings)
        elif isinstance(kind, GraphQLInputObjectType):
            for name, given in kind.fields.items():
                given.out_name = snake_case(name)
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = _runtime_type
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            _bind_object(kind, bindings)
    return built


def _bindings() -> Bindings:
    bindings = Bindings()
    for found in sorted(pkgutil.iter_modules(mlops_tui.sandbox.graphql.__path__), key=lambda module: module.name):
        module = import_module(f"mlops_tui.sandbox.graphql.{found.name}")
        for owner, resolvers in getattr(module, "RESOLVERS", {}).items():
            bindings.resolvers.setdefault(owner, {}).update(resolvers)
        bindings.call_limits.update(getattr(module, "CALL_LIMITS", {}))
        bindings.global_ids.update(getattr(module, "GLOBAL_IDS", {}))
    return bindings


def _check(built: GraphQLSchema, bindings: Bindings) -> None:
    """Refuse a resolver or a limit without a field, which would otherwise never be called."""
    named = {f"{owner}.{name}" for owner, fields in bindings.resolvers.items() for name in fields}
    for path in sorted(named | set(bindings.call_limits)):
        owner, _, name = path.partition(".")
        kind = built.type_map.get(owner)
        if not isinstance(kind, GraphQLObjectType) or name not in kind.fields:
            raise LookupError(f"the schema has no field {path}")


def snake_case(name: str) -> str:
    """Return `createdAt` as `created_at`."""
    return _HUMP.sub("_", name).lower()


def _bind_scalar(scalar: GraphQLScalarType, bindings: Bindings) -> None:
    if scalar.name in bindings.global_ids:
        scalar.coerce_input_value = id_reader(bindings.global_ids[scalar.name])
        scalar.coerce_output_value = id_writer(bindings.global_ids[scalar.name])
    elif scalar.name == "Time":
        scalar.coerce_output_value = write_time


def _bind_object(owner: GraphQLObjectType, bindings: Bindings) -> None:
    for name, field_ in owner.fields.items():
        for argument_name, argument in field_.args.items():
            argument.out_name = snake_case(argument_name)
        resolver = bindings.resolvers.get(owner.name, {}).get(name)
        field_.resolve = _bound(owner.name, name, field_, resolver, bindings.call_limits.get(f"{owner.name}.{name}"))
        if get_named_type(field_.type) is GraphQLFloat:
            nullable = not isinstance(field_.type, GraphQLNonNull)
            field_.type = LENIENT_FLOAT if nullable else GraphQLNonNull(LENIENT_FLOAT)


def _bound(
    owner: str, name: str, field_: GraphQLField, resolver: Resolver | None, limit: int | None
) -> Callable[..., Any]:
    is_connection = get_named_type(field_.type).name.endswith("Connection")

    def resolve(parent: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        operation: Operation = info.context
        if limit is not None:
            operation.count_call(owner, name, limit)
        if isinstance(parent, Connection):
            return parent.resolve(name, arguments)
        paging = {key: arguments.pop(key, None) for key in _PAGING} if is_connection else {}
        value = resolver(parent, operation, **arguments) if resolver else _stored(parent, name)
        return Connection.cut(value, paging) if is_connection and value is not None else value

    return resolve


def _stored(parent: Any, name: str) -> Any:
    """Return a field of a row, a mapping or a record under its own name or in snake case."""
    for key in (name, snake_case(name)):
        if isinstance(parent, dict) or hasattr(parent, "keys"):
            if key in parent.keys():  # noqa: SIM118 - `in` of a database row looks at its values
                return parent[key]
        elif hasattr(parent, key):
            return getattr(parent, key)
    return None


def _runtime_type(value: Any, _info: GraphQLResolveInfo[Any], _kind: Any) -> str | None:
    """Return the type of a value behind an interface, which its `__typename` names."""
    name = _stored(value, "__typename")
    return None if name is None else str(name)
