"""Equal things have equal digests, and every digest can be recomputed from the text."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.canonical import JsonValue, canonical_json, digest, instant

_SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
_JSON: st.SearchStrategy[JsonValue] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(_JSON)
def test_the_canonical_text_is_json_that_reads_back(value: JsonValue) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), _SCALARS, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, JsonValue]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


def test_the_spelling_is_fixed() -> None:
    moment = datetime(2026, 2, 3, 10, 11, 12, 345_678, tzinfo=timezone(timedelta(hours=1)))
    value = {"b": [1.0, float("nan"), float("-inf")], "a": "é", "t": moment}
    text = '{"a":"é","b":[1.0,"nan","-inf"],"t":"2026-02-03T09:11:12.345Z"}'
    assert canonical_json(value) == text
    assert digest(value) == hashlib.sha256(text.encode()).hexdigest()


def test_a_moment_needs_a_zone() -> None:
    assert instant(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 1, 1))  # noqa: DTZ001 the missing zone is what is tested


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        canonical_json({"key": object()})
