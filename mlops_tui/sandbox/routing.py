"""From a noun's handlers to routes: identification, rate limits, refusals and conditional requests around each."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.authentication import READING_VERBS, Credentials, Policy
from mlops_tui.sandbox.rate_limits import caller_name, too_many_requests
from mlops_tui.sandbox.request import Context, Services, open_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    Handler = Callable[[Context], Awaitable[Response]]

_log = logging.getLogger(__name__)
_DEFAULT = Policy()
_HOOK = Policy(scopes=(), credentials=Credentials.NONE)


def route(verb: str, path: str, handler: Handler, policy: Policy = _DEFAULT) -> Route:
    """Return the route of a handler; the path is relative to `/api/v4`.

    A segment such as `{id}` matches one still encoded segment (`acme%2Ffraud`); `{rest:path}` matches the remainder.
    """
    return absolute_route(verb, f"/api/v4{path}", handler, policy)


def absolute_route(verb: str, path: str, handler: Handler, policy: Policy = _DEFAULT) -> Route:
    """Return the route of a handler whose path is not below `/api/v4`, such as `/api/graphql`."""

    async def endpoint(request: Request) -> Response:
        services: Services = request.app.state.services
        try:
            return await _answer(request, services, handler, policy)
        except errors.ApiError as error:
            return error.response()
        except Exception:  # noqa: BLE001 - whatever a handler raises, GitLab answers 500 with this body
            _log.exception("%s %s failed", request.method, request.url.path)
            return errors.message(500, "500 Internal Server Error").response()

    return Route(path, endpoint, methods=[verb], name=handler.__name__)


def hook(verb: str, path: str, handler: Handler) -> Route:
    """Return the route of one of the sandbox's own hooks, `/-/sandbox<path>`, open to loopback callers only."""

    async def local(context: Context) -> Response:
        client = context.request.client
        if client is None or not ipaddress.ip_address(client.host).is_loopback:
            raise errors.unknown_route()
        return await handler(context)

    local.__name__ = handler.__name__
    return absolute_route(verb, f"/-/sandbox{path}", local, _HOOK)


async def _answer(request: Request, services: Services, handler: Handler, policy: Policy) -> Response:
    context = await open_context(request, services, policy)
    caller = caller_name(context.identity)
    counted = policy.credentials is not Credentials.NONE
    headers, refused = services.rate_limits.count_request(context.now(), caller) if counted else ({}, False)
    if refused:
        return too_many_requests(headers)
    try:
        services.rate_limits.check(context.now(), policy.limiter, caller)
        response = conditional(request, await handler(context))
    except errors.ApiError as error:
        response = error.response()
    response.headers.update(headers)
    return response


def conditional(request: Request, response: Response) -> Response:
    """Add a weak ETag to a successful read and answer 304 when the caller already has it."""
    readable = request.method in READING_VERBS and response.status_code in {200, 201}
    if not readable or isinstance(response, FileResponse | StreamingResponse) or "cache-control" in response.headers:
        return response
    if not isinstance(response.body, bytes):
        return response
    etag = f'W/"{hashlib.md5(response.body, usedforsecurity=False).hexdigest()}"'
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "max-age=0, private, must-revalidate"
    given = [candidate.strip() for candidate in request.headers.get("if-none-match", "").split(",")]
    if etag not in given and etag.removeprefix("W/") not in given:
        return response
    kept = {name: value for name, value in response.headers.items() if name not in {"content-length", "content-type"}}
    return Response(status_code=304, headers=kept)
