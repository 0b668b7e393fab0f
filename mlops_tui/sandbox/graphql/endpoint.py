"""`/api/graphql` (GitLab: app/controllers/graphql_controller.rb, app/graphql/gitlab_schema.rb)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError, OperationType, execute_sync, get_operation_ast, parse, validate
from graphql.execution import VariableValues, get_variable_values

from mlops_tui.sandbox.authentication import READING_VERBS, Credentials, Policy, identify
from mlops_tui.sandbox.errors import ApiError
from mlops_tui.sandbox.graphql.binding import schema
from mlops_tui.sandbox.graphql.complexity import Analysis
from mlops_tui.sandbox.graphql.messages import presented
from mlops_tui.sandbox.graphql.operations import Operation
from mlops_tui.sandbox.rate_limits import caller_name, too_many_requests
from mlops_tui.sandbox.request import Context
from mlops_tui.sandbox.routing import absolute_route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import DocumentNode, OperationDefinitionNode
    from starlette.responses import Response

_log = logging.getLogger(__name__)
MAXIMUM_QUERY_SIZE = 10_000
_MAXIMUM_VALIDATION_ERRORS = 5
_TOKENS = Policy(scopes=("api", "read_api"))
_OPEN = Policy(scopes=(), credentials=Credentials.NONE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller's queries may weigh."""

    complexity: int
    depth: int

    @classmethod
    def of(cls, context: Context) -> Limits:
        """Return the limits of an anonymous caller, a user or an administrator."""
        if context.user is None:
            return cls(200, 15)
        return cls(300 if context.user.admin else 250, 20)


@dataclass(frozen=True, slots=True)
class Query:
    """One query as it was sent."""

    text: str
    variables: Mapping[str, Any]
    operation_name: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query that may be weighed: parsed and valid, with the operation to run and its variables."""

    query: Query
    document: DocumentNode
    operation: OperationDefinitionNode
    complexity: int
    depth: int


def _refusal(status: int, text: str) -> ApiError:
    return ApiError(status, {"errors": [{"message": text}]})


async def answer(context: Context) -> Response:
    """Run one query or an array of queries."""
    context = _identified(context)
    headers, refused = context.services.rate_limits.count_request(context.now(), caller_name(context.identity))
    if refused:
        return too_many_requests(headers)
    sent = _sent(context)
    queries = [_query(part) for part in (sent if isinstance(sent, list) else [sent])]
    if sum(len(query.text) for query in queries) > MAXIMUM_QUERY_SIZE:
        raise _refusal(422, "Query too large")
    results = _run_all(context, queries)
    return context.json(results if isinstance(sent, list) else results[0], headers=headers)


def _identified(context: Context) -> Context:
    """Return the context of the caller; the scope of reading is enough to come in."""
    request = context.request
    try:
        identity = identify(
            context.database,
            context.now(),
            _TOKENS,
            "GET",
            request.headers,
            context.params,
            context.settings.base_url,
        )
    except ApiError:
        raise _refusal(401, "Invalid token") from None
    return Context(request, context.services, identity, context.params, context.body)


def _sent(context: Context) -> Any:
    if context.request.method in READING_VERBS or "json" not in context.request.headers.get("content-type", ""):
        return dict(context.params)
    return context.json_body()


def _query(sent: Any) -> Query:
    if not isinstance(sent, dict):
        raise _refusal(422, "Unexpected parameter")
    variables = sent.get("variables")
    if isinstance(variables, str):
        try:
            variables = orjson.loads(variables) if variables else {}
        except orjson.JSONDecodeError as error:
            raise _refusal(422, str(error)) from None
    if variables is not None and not isinstance(variables, dict):
        raise _refusal(422, f"Unexpected parameter: {variables}")
    return Query(str(sent.get("query") or ""), variables or {}, sent.get("operationName") or None)


def _run_all(context: Context, queries: Sequence[Query]) -> list[dict[str, Any]]:
    """Run queries one after the other; their complexity counts together."""
    prepared = [_prepare(query) for query in queries]
    limits = Limits.of(context)
    total = sum(part.complexity for part in prepared if isinstance(part, Prepared))
    calls: dict[tuple[str, str], int] = {}
    results = []
    for part in prepared:
        if not isinstance(part, Prepared):
            results.append(part)
            continue
        if context.request.method in READING_VERBS and part.operation.operation is OperationType.MUTATION:
            raise _refusal(422, f"Mutations are forbidden in {context.request.method} requests")
        complaints = _too_heavy(part, total, limits)
        results.append({"errors": complaints} if complaints else _run(context, part, total, limits, calls))
    return results


def _too_heavy(part: Prepared, total: int, limits: Limits) -> list[dict[str, Any]]:
    complaints = []
    if total > limits.complexity:
        complaints.append(f"Query has complexity of {total}, which exceeds max complexity of {limits.complexity}")
    if part.depth > limits.depth:
        complaints.append(f"Query has depth of {part.depth}, which exceeds max depth of {limits.depth}")
    return [{"message": text} for text in complaints]


def _prepare(query: Query) -> Prepared | dict[str, Any]:
    """Parse, validate and weigh a query; return the answer when that fails."""
    if not query.text.strip():
        return {"errors": [{"message": "No query string was present"}]}
    try:
        document = parse(query.text, no_location=False)
    except GraphQLError as error:
        return {"errors": [presented(error)]}
    complaints = validate(schema(), document, max_errors=_MAXIMUM_VALIDATION_ERRORS, hide_suggestions=True)
    if complaints:
        return {"errors": [presented(error) for error in complaints[:_MAXIMUM_VALIDATION_ERRORS]]}
    operation = get_operation_ast(document, query.operation_name)
    if operation is None:
        text = (
            f"No operation named {query.operation_name!r}" if query.operation_name else "An operation name is required"
        )
        return {"errors": [{"message": text}]}
    values = get_variable_values(
        schema(), operation.variable_definitions or (), dict(query.variables), hide_suggestions=True
    )
    if not isinstance(values, VariableValues):
        return {"errors": [presented(error) for error in values]}
    analysis = Analysis(schema(), document, values)
    return Prepared(query, document, operation, analysis.complexity(operation), analysis.depth(operation))


def _run(
    context: Context, part: Prepared, score: int, limits: Limits, calls: dict[tuple[str, str], int]
) -> dict[str, Any]:
    name = part.operation.name.value if part.operation.name else "anonymous"
    operation = Operation(context, f"{name}/{part.query.text}", score, limits.complexity, calls)
    result = execute_sync(
        schema(),
        part.document,
        context_value=operation,
        variable_values=dict(part.query.variables),
        operation_name=part.query.operation_name,
        hide_suggestions=True,
    )
    shown: dict[str, Any] = {"data": result.data}
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            _log.error("a resolver failed at %s", error.path, exc_info=error.original_error)
            raise _refusal(500, "Internal server error")
    if result.errors:
        shown["errors"] = [presented(error) for error in result.errors]
    return shown


ROUTES = [absolute_route(verb, "/api/graphql", answer, _OPEN) for verb in ("POST", "GET")]
