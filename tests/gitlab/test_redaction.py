"""No token reaches a text, whatever way it takes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.errors import MlopsError
from mlops_tui.gitlab.redaction import quiet_foreign_loggers, redacted
from tests.faults.proxy import Drop, FaultProxy
from tests.gitlab.scripted import TOKEN, Reply, ScriptedServer, credential, in_turn, transport_to

WORD = "w" * 22
SHAPES = ("glpat", "glptt", "gldt", "glcbt", "gloas", "glrt", "glft", "glsoat")


@pytest.mark.parametrize(
    "text",
    [
        f"https://gl.example/x?private_token={WORD}&a=b",
        f"https://gl.example/x?a=b&access_token={WORD}",
        f"https://gl.example/x?job_token={WORD}#y",
        f"https://store.example/x?X-Amz-Signature={WORD}",
        f"https://store.example/x?sig={WORD}",
        f"PRIVATE-TOKEN: {WORD}",
        f"{{'private-token': '{WORD}'}}",
        f"Authorization: Bearer {WORD}",
        f"authorization=Basic {WORD}",
        f"(b'JOB-TOKEN', b'{WORD}')",
        f"Cookie: _session={WORD}",
        f"said bearer {WORD} there",
        f"https://me:{WORD}@gl.example/x",
        *(f"it is {prefix}-{WORD}." for prefix in SHAPES),
        f"glpat-{WORD}.01.abcdefghi",
    ],
)
def test_what_looks_like_a_secret_goes(text: str) -> None:
    assert WORD not in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v4/projects/acme%2Ffraud/jobs?scope[]=failed: 200",
        "the signature of a model",
        "global-optimum found after 12 steps",
        "glob-pattern *.pkl",
        "https://gitlab.example.com/acme/fraud/-/jobs/77",
        "next_page_token is null",
        "",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text(max_size=50), st.text(max_size=50))
def test_the_known_token_goes_from_any_text(before: str, after: str) -> None:
    assert TOKEN not in redacted(before + TOKEN + after, credential())


def test_a_token_of_no_known_shape_goes_too() -> None:
    odd = credential(token="p+a/s=s")
    assert redacted("p+a/s=s and p%2Ba%2Fs%3Ds", odd) == "*** and ***"


async def test_no_log_line_and_no_error_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"message": f"400 Bad request - you sent {TOKEN}", "private_token": TOKEN}
    path = f"/api/v4/projects?private_token={TOKEN}&search={TOKEN}"
    replies = in_turn(Reply(400, echo), Reply(422, echo), Reply(401, echo))
    with ScriptedServer(replies) as server, FaultProxy(server.url) as proxy:
        async with transport_to(proxy.url) as transport:
            errors = [await _failing(transport.get(path)) for _ in range(2)]
            errors.append(await _failing(transport.send(ApiCall(Method.POST, path, {"token": TOKEN}))))
            proxy.play(Drop())
            transport.sign_in(credential())
            errors.append(await _failing(transport.get(path)))
    for error in errors:
        assert TOKEN not in f"{error} {error!r} {vars(error)}"
    assert caplog.records
    for record in caplog.records:
        assert TOKEN not in record.getMessage() + str(record.args)


async def _failing(work: Awaitable[object]) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        await work
    return caught.value


def test_the_http_librarys_own_log_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    quiet_foreign_loggers()
    with caplog.at_level(logging.INFO):
        logging.getLogger("httpx").info("HTTP Request: GET %s", f"https://store.example/x?X-Amz-Signature={WORD}")
    assert WORD not in caplog.text
    assert "HTTP Request: GET https://store.example/x" in caplog.text
