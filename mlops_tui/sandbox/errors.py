"""The API's refusals, with the literal bodies of GitLab (GitLab: lib/api/helpers.rb, lib/api/api.rb)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from mlops_tui.sandbox.responses import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer that refuses the request: status, JSON body and extra headers."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> Response:
        """Return the answer."""
        return JsonResponse(self.body, self.status, self.headers)


class MovedError(ApiError):
    """301 for a project that was renamed or transferred; the body is plain text."""

    def __init__(self, location: str) -> None:
        super().__init__(301, {}, {"Location": location})
        self.location = location

    def response(self) -> Response:
        """Return the answer."""
        text = f"This resource has been moved permanently to {self.location}"
        return PlainTextResponse(text, self.status, dict(self.headers or {}))


def message(status: int, text: Any, headers: Mapping[str, str] | None = None) -> ApiError:
    """Refuse with `{"message": text}`; the text may be a string, a list or a hash."""
    return ApiError(status, {"message": text}, headers)


def _reasoned(status: int, title: str, reason: str | None) -> ApiError:
    return message(status, f"{status} {title} - {reason}" if reason else f"{status} {title}")


def bad_request(reason: str | None = None) -> ApiError:
    """400 `400 Bad request[ - reason]`."""
    return _reasoned(400, "Bad request", reason)


def validation(errors: Mapping[str, Sequence[str]] | Sequence[str], status: int = 400) -> ApiError:
    """400 with a hash of field to texts (a record's errors) or a list of sentences (a service's)."""
    return message(status, errors)


def parameter(*texts: str) -> ApiError:
    """400 of the parameter validation: key `error`, several texts joined with a comma."""
    return ApiError(400, {"error": ", ".join(texts)})


def unauthorized(reason: str | None = None) -> ApiError:
    """401 `401 Unauthorized[ - reason]`."""
    return _reasoned(401, "Unauthorized", reason)


def invalid_token(description: str, realm: str) -> ApiError:
    """401 for a token that is known but no longer good (GitLab: lib/api/api_guard.rb)."""
    challenge = f'Bearer realm="{realm}", error="invalid_token", error_description="{description}"'
    return ApiError(401, {"error": "invalid_token", "error_description": description}, {"WWW-Authenticate": challenge})


def token_expired(realm: str) -> ApiError:
    """401 for an expired token."""
    return invalid_token("Token is expired. You can either do re-authorization or token refresh.", realm)


def token_revoked(realm: str) -> ApiError:
    """401 for a revoked token."""
    return invalid_token("Token was revoked. You have to re-authorize from the user.", realm)


def forbidden(reason: str | None = None) -> ApiError:
    """403 `403 Forbidden[ - reason]`."""
    return _reasoned(403, "Forbidden", reason)


def insufficient_scope(scopes: Sequence[str]) -> ApiError:
    """403 for a token without any of the scopes registered for the route."""
    return ApiError(
        403,
        {
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": " ".join(scopes),
        },
    )


def not_found(thing: str | None = None) -> ApiError:
    """404 `404 <thing> Not Found`, or `404 Not Found`: missing or not visible."""
    return message(404, f"404 {thing} Not Found" if thing else "404 Not Found")


def record_not_found() -> ApiError:
    """404 `404 Not found` (lower-case f): a record looked up by id inside a visible project."""
    return message(404, "404 Not found")


def unknown_route() -> ApiError:
    """404 for a path that is no route; also what the community build answers on licensed routes."""
    return ApiError(404, {"error": "404 Not Found"})


def not_allowed(text: str | None = None) -> ApiError:
    """405: `{"message": "405 Method Not Allowed"}`, or an own text under the key `error`."""
    return ApiError(405, {"error": text}) if text else message(405, "405 Method Not Allowed")


def conflict(text: str | None = None) -> ApiError:
    """409 `409 Conflict`, or an own text."""
    return message(409, text or "409 Conflict")


def unprocessable(text: Any = None) -> ApiError:
    """422 `422 Unprocessable Entity`, or an own text or list."""
    return message(422, text or "422 Unprocessable Entity")


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return error.response()


async def _refuse_route(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        return ApiError(405, {"error": "405 Not Allowed"}).response()
    return unknown_route().response()


async def _fail(_request: Request, error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return message(500, "500 Internal Server Error").response()


EXCEPTION_HANDLERS: dict[Any, Callable[[Request, Exception], Any]] = {
    ApiError: _refuse,
    HTTPException: _refuse_route,
    Exception: _fail,
}
