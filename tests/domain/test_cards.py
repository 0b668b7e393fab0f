"""Model cards: what counts as given, and how two differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.cards import CardField, card_changes, check_card, read_card

FULL = """---
owners:
  - team risk
intended_use: "scores payments"
---
# fraud

## Data

18 months of payments.

## Metrics on the validation set

| auc | 0.9 |

## Known limits

Weak on weekends.
"""


def test_front_matter_and_headings_both_count() -> None:
    assert check_card(FULL).is_complete
    assert read_card(FULL).front == {"owners": "team risk", "intended_use": "scores payments"}


def test_an_empty_section_or_a_placeholder_is_missing() -> None:
    report = check_card("**Owner:** team risk\n\n## Intended use\n\n## Training data\n\ntodo\n")
    assert report.given == (CardField.OWNERS,)
    assert report.summary == "1 of 5, without intended use, training data, metrics, limits"


def test_front_matter_that_never_ends_is_text() -> None:
    assert read_card("---\nowners: x\n").front == {}


def test_the_difference_names_the_lines_with_their_sign() -> None:
    assert "+Weak on holidays." in card_changes(FULL, FULL.replace("weekends", "holidays"))
    assert card_changes(FULL, FULL) == ()


@given(st.text())
def test_no_card_is_too_odd(text: str) -> None:
    report = check_card(text)
    assert set(report.given) | set(report.missing) == set(CardField)
