"""Requests and decisions as texts: read back exactly, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.approvals import Decision
from mlops_tui.domain.marked_texts import fenced
from mlops_tui.domain.promotion_requests import (
    DecisionNote,
    PromotionRequest,
    decision_text,
    labels,
    read_decision,
    read_request,
    request_text,
)

INTENT = "3f2a90c1-0000-4000-8000-000000000000"
NOTE = DecisionNote(Decision.APPROVED, "a" * 64, INTENT, "b" * 16)


@given(st.sampled_from(Decision), st.text())
def test_a_decision_is_read_back_whatever_the_comment_says(decision: Decision, comment: str) -> None:
    note = DecisionNote(decision, "a" * 64, INTENT, "b" * 16)
    assert read_decision(decision_text(note, comment)) == note


@given(st.data())
def test_one_changed_character_makes_it_a_text(data: st.DataObject) -> None:
    head = "\n".join(decision_text(NOTE, "").split("\n")[:3])
    place = data.draw(st.integers(0, len(head) - 1))
    other = data.draw(st.characters().filter(lambda character: character != head[place]))
    changed = head[:place] + other + head[place + 1 :]
    found = read_decision(changed)
    assert found is None or found != NOTE
    if other not in "0123456789abcdef":
        assert found is None


@given(st.text())
def test_no_other_text_decides_anything(text: str) -> None:
    assert read_decision(text) is None
    assert read_decision(fenced(decision_text(NOTE, text))) is None
    assert read_request(text) is None


@given(st.text(alphabet="`~\n/@ab", max_size=60))
def test_a_fence_holds_whatever_stands_in_it(text: str) -> None:
    first, *_, last = fenced(text).split("\n")
    assert last == first.removesuffix("text")
    assert last not in text.split("\n")


def test_a_request_is_read_back_and_an_indented_or_quoted_one_is_not() -> None:
    request = PromotionRequest("fraud", "2.1.0", "production", "c" * 64, "dev", INTENT, "abcdef0")
    text = request_text(request, "nothing")
    assert read_request(text) == request
    assert read_request(f" {text}") is None
    assert read_request("\n".join(f"> {line}" for line in text.split("\n"))) is None
    assert read_request(text.replace('"model":"fraud"', '"model":"fraud","model":"churn"')) is None


@pytest.mark.parametrize(("scoped", "pending"), [(True, "mlops::approval-pending"), (False, "mlops-approval-pending")])
def test_labels_are_scoped_where_the_licence_has_them(scoped: bool, pending: str) -> None:
    assert labels(scoped=scoped)["approval-pending"] == pending
