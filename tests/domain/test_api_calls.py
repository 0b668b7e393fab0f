"""What the preview shows is a call that a person could paste, without any token in it."""

from __future__ import annotations

import json
import shlex

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.api_calls import ApiCall, Method


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.sampled_from(list(Method)))
def test_a_curl_line_survives_the_shell(text: str, method: Method) -> None:
    call = ApiCall(method, "/api/v4/projects/7/pipeline", {"ref": text})
    words = shlex.split(call.as_curl("https://gitlab.example.com/"))
    assert words[:3] == ["curl", "--request", method.value]
    assert json.loads(words[words.index("--data") + 1]) == {"ref": text}
    assert words[-1] == "https://gitlab.example.com/api/v4/projects/7/pipeline"


def test_the_token_is_left_to_the_shell() -> None:
    line = ApiCall(Method.POST, "/api/v4/projects/7/jobs/1/retry").as_curl("https://gitlab.example.com")
    assert '"PRIVATE-TOKEN: $GITLAB_TOKEN"' in line
    assert "--data" not in line


def test_a_placeholder_is_filled_from_an_earlier_answer() -> None:
    call = ApiCall(Method.PUT, "/api/v4/projects/7/pipelines/{pipeline}/metadata", {"name": "fraud"})
    assert call.filled(pipeline=611).path == "/api/v4/projects/7/pipelines/611/metadata"
