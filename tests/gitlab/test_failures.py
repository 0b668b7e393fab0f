"""Error bodies of every shape, as sentences."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from mlops_tui.gitlab.budget import Priority
from mlops_tui.gitlab.failures import failure, graphql_failure, own_words
from mlops_tui.gitlab.messages import Answer, Request
from tests.clocks import START
from tests.gitlab.scripted import TOKEN, credential

READ = Request.to("GET", "/api/v4/projects/7/jobs", Priority.USER, what="read the jobs of acme/fraud")


def answer(status: int, body: object, content_type: str = "application/json") -> Answer:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(status, {"content-type": content_type, "x-request-id": "01J"}, raw, url="https://x/y", what="read")


def told(status: int, body: object, content_type: str = "application/json") -> RemoteError:
    return failure(READ, answer(status, body, content_type), credential(), START)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "400 Bad request - Unplayable Job"}, "Unplayable Job"),
        ({"message": "400 Bad request"}, "Bad request"),
        ({"message": '400 Bad request - "title" not given'}, '"title" not given'),
        ({"message": {"base": ["Reference not found"]}}, "Reference not found"),
        ({"message": {"name": ["has already been taken", "is too long"]}}, "name has already been taken"),
        ({"message": {"a": {"b": ["is wrong"]}}}, "a b is wrong"),
        ({"message": ["Name has already been taken"]}, "Name has already been taken"),
        ({"error": "ref is missing, sha is missing"}, "ref is missing, sha is missing"),
        ({"message": {"error": "This endpoint has been requested too many times."}}, "requested too many times"),
        ({"error": "insufficient_scope", "error_description": "needs more"}, "insufficient_scope: needs more"),
        ({"error_code": "RESOURCE_DOES_NOT_EXIST"}, "resource does not exist"),
        ({"error_code": "INVALID_PARAMETER_VALUE", "message": ["Version is bad"]}, "Version is bad"),
        ({"error_code": "INVALID_PARAMETER_VALUE", "message": None}, "invalid parameter value"),
        ({"errors": [{"message": "Invalid token"}]}, "Invalid token"),
        ({"message": "404 Project Not Found"}, "Project Not Found"),
        ({"message": "409 Conflict: Resource lock"}, "Resource lock"),
        (
            {"message": "SHA does not match HEAD of source branch: 12ab"},
            "SHA does not match HEAD of source branch: 12ab",
        ),
        ({"message": ""}, ""),
        ([], ""),
        (7, "7"),
        (None, ""),
    ],
)
def test_the_servers_own_words_are_found(body: object, words: str) -> None:
    found = own_words(answer(400, body))
    assert words in found
    assert bool(words) == bool(found)


def test_plain_text_stands_for_itself_and_a_web_page_for_nothing() -> None:
    assert own_words(answer(429, b"Retry later\n", "text/plain")) == "Retry later"
    assert own_words(answer(502, b"<html><title>Bad gateway</title></html>", "text/html")) == ""
    assert "a web page came with status 502" in str(told(502, b"<html></html>", "text/html"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, InvalidRequestError),
        (400, InvalidRequestError),
        (403, NotAllowedError),
        (404, NotFoundError),
        (405, InvalidRequestError),
        (409, ConflictError),
        (410, InvalidRequestError),
        (412, ConflictError),
        (413, InvalidRequestError),
        (418, InvalidRequestError),
        (422, InvalidRequestError),
        (429, RateLimitedError),
        (500, ServerFaultError),
        (503, ServerFaultError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[RemoteError]) -> None:
    error = told(status, {"message": "because"})
    assert type(error) is kind
    assert error.status == status
    assert error.request_id == "01J"
    assert str(error).startswith("Could not read the jobs of acme/fraud: ")


def test_a_missing_scope_is_named() -> None:
    body = {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges",
        "scope": "api",
    }
    assert "Use a token with the scope api" in str(told(403, body))


def test_a_moved_project_is_named() -> None:
    error = told(405, {"message": "Non GET methods are not allowed for moved projects"})
    assert "moved or renamed" in str(error)


def test_a_server_fault_after_a_change_warns_of_repeating_it() -> None:
    write = Request.to("POST", "/api/v4/projects/7/pipeline", Priority.WRITE, what="create the pipeline")
    error = failure(write, answer(502, b"", "text/html"), credential(), START)
    assert "look before repeating it" in str(error)


def test_the_words_are_clean_and_hold_no_token() -> None:
    error = told(400, {"message": f"bad\x1b]0;title\x07 thing\r\nsecond \u202eline {TOKEN} glpat-{'z' * 20}"})
    text = str(error)
    assert text.isprintable()
    assert TOKEN not in text
    assert "zzzz" not in text


def test_very_long_words_are_cut() -> None:
    assert len(own_words(answer(400, {"message": ["x" * 5_000] * 50}))) <= 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["message", "error", "errors", "error_code", "base", "error_description"]) | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values, st.integers(300, 599))
def test_no_json_crashes_the_reader(body: object, status: int) -> None:
    error = told(status, _surrogate_free(body))
    assert _is_clean(str(error))
    assert _is_clean(str(graphql_failure(READ, answer(200, {}), body, None)))


@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "text/html", ""]))
def test_no_bytes_crash_the_reader(body: bytes, content_type: str) -> None:
    assert _is_clean(str(told(400, body, content_type)))


def test_deep_nesting_is_not_followed() -> None:
    body: object = "end"
    for _ in range(200):
        body = [body]
    assert own_words(answer(400, {"message": body})) == ""


def _is_clean(text: str) -> bool:
    return clean(text, 2 * len(text)) == text


def _surrogate_free(body: object) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        return b"{}"
