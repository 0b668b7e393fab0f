"""Turns GitLab's refusals, in all the forms they take, into errors people can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import orjson

from mlops_tui.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
    RemoteError,
    ServerFaultError,
)
from mlops_tui.domain.text import clean
from mlops_tui.gitlab.authentication import Credential, RouteKind
from mlops_tui.gitlab.messages import Answer, Request
from mlops_tui.gitlab.redaction import redacted
from mlops_tui.gitlab.retries import retry_after

_WORDS_LIMIT = 400
_SENTENCES = 8
_DEPTH = 6
_STATUS_PREFIX = re.compile(r"^\(?[1-5]\d\d\)?[:\s]+")
_REASON = re.compile(r"^[A-Z][A-Za-z ]{2,30}(?: - |: )(?=\S)")
_PIPELINE_LIMIT = "too many pipelines created"
_HIDDEN = ("does not exist", "don't have permission", "do not have permission", "not found")
_DEFAULT_WAIT = 60.0


def failure(request: Request, answer: Answer, credential: Credential | None, now: datetime) -> RemoteError:
    """The error for an answer of status 400 and above (or a redirect that was not followed).

    401 is the transport's own affair: whether the token or only its role is at fault takes another request.
    """
    words = redacted(own_words(answer), credential)
    if answer.status == 429 or (answer.status == 400 and _PIPELINE_LIMIT in words.lower()):
        return _rate_limited(request, answer, now)
    kind, remedy = _kind_and_remedy(request, answer, words)
    return kind(
        f"Could not {request.what}",
        why=_why(answer, words),
        remedy=remedy,
        status=answer.status,
        request_id=answer.request_id,
        url=answer.url,
    )


def graphql_failure(request: Request, answer: Answer, errors: object, credential: Credential | None) -> RemoteError:
    """The error for the top-level ``errors`` of a GraphQL answer, which comes with status 200."""
    words = redacted(_join(_sentences(errors, 0)), credential) or "GraphQL errors without a message"
    lowered = words.lower()
    kind: type[RemoteError] = InvalidRequestError
    remedy = "This GitLab may be of a version that lacks what was asked for"
    if any(phrase in lowered for phrase in _HIDDEN):
        kind, remedy = NotFoundError, "Check the name, and that the token's role may see it"
    elif "timed out" in lowered or "internal server error" in lowered:
        kind, remedy = ServerFaultError, _server_remedy(request)
    elif "complexity" in lowered or "depth" in lowered:
        remedy = "Ask for fewer things at once"
    return kind(
        f"Could not {request.what}",
        why=words,
        remedy=remedy,
        status=answer.status,
        request_id=answer.request_id,
        url=answer.url,
    )


def own_words(answer: Answer) -> str:
    """What the server says about its refusal, cleaned and without the status it repeats; may be empty.

    Reads ``message`` (text, list or nested hash), then ``error`` and ``error_description``, MLflow's ``error_code`` and
    GraphQL's ``errors``; plain text stands for itself, a web page says nothing (GitLab: lib/api/helpers.rb,
    lib/api/api_guard.rb, lib/api/ml/mlflow/api_helpers.rb).
    """
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        is_plain = answer.content_type in ("text/plain", "") and not answer.body.lstrip().startswith(b"<")
        return _trimmed(clean(answer.text[:2_000].strip(), _WORDS_LIMIT)) if is_plain else ""
    if not isinstance(body, dict):
        return _join(_sentences(body, 0))
    parts: list[str] = []
    for key in ("message", "error", "error_description", "errors", "error_code"):
        words = _join(_sentences(body.get(key), 0))
        if words and not (key == "error_code" and parts) and words not in parts:
            parts.append(words.replace("_", " ").lower() if key == "error_code" else words)
    return clean(": ".join(parts), _WORDS_LIMIT)


def _sentences(value: object, depth: int) -> Iterator[str]:
    if depth > _DEPTH or value is None or value == "":
        return
    if isinstance(value, str):
        yield _trimmed(clean(value.strip(), _WORDS_LIMIT))
    elif isinstance(value, Mapping):
        yield from _of_fields(value, depth)
    elif isinstance(value, Sequence):
        for item in value[:_SENTENCES]:
            yield from _sentences(item, depth + 1)
    else:
        yield clean(str(value), 80)


def _of_fields(value: Mapping[object, object], depth: int) -> Iterator[str]:
    """GraphQL's errors carry their text as ``message``; a hash of fields names each before what is wrong with it."""
    if isinstance(value.get("message"), str):
        yield from _sentences(value["message"], depth + 1)
        return
    for key, item in list(value.items())[:_SENTENCES]:
        name = clean(str(key), 60)
        for sentence in _sentences(item, depth + 1):
            yield sentence if name in ("base", "error", "errors") else f"{name} {sentence}"


def _join(sentences: Iterator[str]) -> str:
    several = [sentence.rstrip(".") for _, sentence in zip(range(_SENTENCES), sentences, strict=False) if sentence]
    return clean("; ".join(dict.fromkeys(several)), _WORDS_LIMIT)


def _trimmed(text: str) -> str:
    without_status = _STATUS_PREFIX.sub("", text)
    if without_status == text:
        return text
    return _REASON.sub("", without_status, count=1)


def _why(answer: Answer, words: str) -> str:
    if words:
        return f"GitLab says: {words} ({answer.status})"
    if answer.content_type == "text/html":
        return f"a web page came with status {answer.status}, perhaps from a proxy on the way"
    return f"GitLab answered with status {answer.status} and no reason"


def _rate_limited(request: Request, answer: Answer, now: datetime) -> RateLimitedError:
    wait = retry_after(answer, now)
    error = RateLimitedError(
        f"Could not {request.what}",
        retry_after=_DEFAULT_WAIT if wait is None else wait,
        status=answer.status,
        request_id=answer.request_id,
        url=answer.url,
    )
    if request.is_write:
        error.remedy = f"Nothing was changed; try it again in {error.retry_after:.0f} s"
    return error


def _kind_and_remedy(request: Request, answer: Answer, words: str) -> tuple[type[RemoteError], str]:
    if answer.is_foreign and answer.status in (401, 403, 404):
        remedy = "The address leads to another host, which is not given the token: set the context's url to it"
        return NotAllowedError, remedy
    match answer.status:
        case 403:
            return NotAllowedError, _role_remedy(request, words)
        case 404:
            return NotFoundError, "Check the name, and that the token's role may see it: GitLab hides what it may not"
        case 409 | 412:
            return ConflictError, "Read the present state again before deciding"
        case status if 300 <= status < 400:
            return (
                InvalidRequestError,
                "It has moved: set the context's url or the project's path to the new one",
            )
        case status if status >= 500:
            return ServerFaultError, _server_remedy(request)
        case 405 if "moved projects" in words.lower():
            return InvalidRequestError, "The project was moved or renamed: use its new path"
        case 413:
            return InvalidRequestError, "It is larger than this instance allows"
        case _:
            return InvalidRequestError, ""


def _role_remedy(request: Request, words: str) -> str:
    if "privileges" in words or "scope" in words:
        return "Use a token with the scope api (read_api is enough for reading)"
    if request.kind is RouteKind.MLFLOW:
        return "The MLflow routes need the Developer role and a token with the scope api"
    return "Ask a maintainer for a role that may do this"


def _server_remedy(request: Request) -> str:
    if request.is_write:
        return "Whether the change was made is not known: look before repeating it"
    return "It is asked again later; if it stays so, the instance's administrator has its logs"
