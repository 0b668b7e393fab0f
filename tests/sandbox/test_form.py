"""Parameters as Rack reads them, and as Grape checks them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.sandbox.errors import ApiError
from mlops_tui.sandbox.form import parse_form, parse_multipart
from mlops_tui.sandbox.parameters import Kind, Parameter, declared, optional, required


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1&b=two+words", {"a": "1", "b": "two words"}),
        ("scope[]=a&scope[]=b", {"scope": ["a", "b"]}),
        ("scope%5B%5D=a", {"scope": ["a"]}),
        ("inputs[env]=prod&inputs[n]=1", {"inputs": {"env": "prod", "n": "1"}}),
        (
            "variables[0][key]=A&variables[0][value]=1&variables[1][key]=B",
            {"variables": [{"key": "A", "value": "1"}, {"key": "B"}]},
        ),
        (
            "variables[][key]=A&variables[][value]=1&variables[][key]=B",
            {"variables": [{"key": "A", "value": "1"}, {"key": "B"}]},
        ),
        ("not[labels]=x", {"not": {"labels": "x"}}),
        ("empty=", {"empty": ""}),
    ],
)
def test_nested_names(text: str, expected: dict[str, Any]) -> None:
    assert parse_form(text) == expected


@given(st.text(max_size=80))
def test_no_query_string_breaks_the_reader(text: str) -> None:
    assert isinstance(parse_form(text), dict)


def test_multipart_fields_and_files() -> None:
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="title"\r\n\r\nHello\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\x00\x01\r\n--xx--\r\n'
    )
    assert parse_multipart("multipart/form-data; boundary=xx", body) == {"title": "Hello", "file": b"\x00\x01"}


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        (required("n", Kind.INTEGER), "1.5", "n is invalid"),
        (required("n", Kind.INTEGER), True, "n is invalid"),
        (required("n", blank=False), "", "n is empty"),
        (required("n", values=("a", "b")), "c", "n does not have a valid value"),
        (required("n", Kind.TEXTS, values=("a", "b")), ["a", "c"], "n does not have a valid value"),
        (required("n", Kind.BOOLEAN), "maybe", "n is invalid"),
        (required("n", Kind.TIME), "yesterday", "n is invalid"),
        (required("n", Kind.HASH), "text", "n is invalid"),
        (required("n", Kind.HASHES, children=(required("key"),)), [{"key": "a"}, {}], "n[1][key] is missing"),
        (required("n", Kind.HASH, children=(required("key"),)), {}, "n[key] is missing"),
        (required("n", max_length=2), "abc", "n is too long (maximum is 2 characters)"),
    ],
)
def test_complaints_are_worded_as_grape_words_them(parameter: Parameter, value: Any, error: str) -> None:
    with pytest.raises(ApiError) as caught:
        declared({"n": value}, [parameter])
    assert caught.value.body == {"error": error}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.INTEGER, "42", 42),
        (Kind.BOOLEAN, "1", True),
        (Kind.BOOLEAN, "off", False),
        (Kind.FLOAT, "1e-3", 0.001),
        (Kind.COMMA_TEXTS, "a, b,,c", ["a", "b", "c"]),
        (Kind.COMMA_INTEGERS, "1,2", [1, 2]),
        (Kind.INTEGERS, ["1", 2], [1, 2]),
        (Kind.DATE, "2026-02-03", "2026-02-03"),
        (Kind.TIME, "2026-02-03T11:11:12.345+01:00", "2026-02-03T10:11:12.345Z"),
        (Kind.INTEGER, "", None),
        (Kind.TEXT, 5, "5"),
    ],
)
def test_values_are_converted(kind: Kind, value: Any, expected: Any) -> None:
    assert declared({"n": value, "other": 1}, [optional("n", kind)]) == {"n": expected}


def test_defaults_fill_in_and_absent_ones_stay_absent() -> None:
    assert declared({}, [optional("a", default="x"), optional("b")]) == {"a": "x"}
