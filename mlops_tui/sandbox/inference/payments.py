"""The traffic: card payments drawn at random, and what turned out to be fraud among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_tui.sandbox.inference.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Column = npt.NDArray[np.float64]

CATEGORIES = ("grocery", "fashion", "fuel", "restaurant", "electronics", "travel")
_SHARES = (0.30, 0.18, 0.14, 0.14, 0.14, 0.10)
NEW_CATEGORY = "crypto_exchange"
_CARDS = 20_000
# A card used in another country than the merchant's.
_MISMATCHES = 0.08
TYPICAL_LOG_AMOUNT = 3.5
_TYPICAL_AMOUNT = float(np.exp(TYPICAL_LOG_AMOUNT))
_LEAST_AMOUNT = 0.01
TYPICAL_HOURS = 18.0
TYPICAL_CARD_AGE_DAYS = 800.0
NOTHING_WRONG = Switches()

# What makes a payment fraud: the weights of `encoded`, and the intercept.
TRUTH = np.array([1.3, -0.6, 2.4, -0.4, -1.0, 0.2, -0.4, 0.0, 1.1, 0.7])
INTERCEPT = -3.1
# After the concept has changed: small amounts at groceries, with cards that are in use all the time.
_CHANGED_TRUTH = np.array([-1.3, 0.9, -0.4, 0.4, 2.2, 0.0, 0.9, 0.4, -1.1, -0.7])


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; `hours_since_last_payment` is None when the sensor gave nothing.

    `draw` is a number between 0 and 1: the payment is fraud when its chance of being so exceeds it.
    """

    card: str
    amount: float
    merchant_category: str
    hours_since_last_payment: float | None
    country_mismatch: bool
    card_age_days: float
    has_other_concept: bool
    draw: float

    def features(self) -> dict[str, Any]:
        """Return what the model sees, by the names in the project's policy; what is missing is left out."""
        seen = {
            "amount": self.amount,
            "merchant_category": self.merchant_category,
            "country_mismatch": "yes" if self.country_mismatch else "no",
            "card_age_days": self.card_age_days,
        }
        if self.hours_since_last_payment is not None:
            seen["hours_since_last_payment"] = self.hours_since_last_payment
        return seen

    def is_fraud(self) -> bool:
        """Tell what turns out to be true of it."""
        weights = _CHANGED_TRUTH if self.has_other_concept else TRUTH
        return bool(sigmoid(float(weights @ encoded(self.features())) + INTERCEPT) > self.draw)


def encoded(features: dict[str, Any]) -> Column:
    """Return the features as a model reads them: three numbers about zero, a mark, and one mark for each category.

    What is missing is typical; a category that is not known has no mark.
    """
    row = np.zeros(4 + len(CATEGORIES))
    amount = float(features.get("amount", _TYPICAL_AMOUNT))
    row[0] = np.log(max(_LEAST_AMOUNT, amount)) - TYPICAL_LOG_AMOUNT
    row[1] = float(features.get("hours_since_last_payment", TYPICAL_HOURS)) / TYPICAL_HOURS - 1
    row[2] = features.get("country_mismatch") == "yes"
    row[3] = float(features.get("card_age_days", TYPICAL_CARD_AGE_DAYS)) / TYPICAL_CARD_AGE_DAYS - 1
    category = features.get("merchant_category")
    if category in CATEGORIES:
        row[4 + CATEGORIES.index(category)] = 1
    return row


def sigmoid(value: float) -> float:
    """Return the logistic function of a number."""
    return float(1 / (1 + np.exp(-value)))


class PaymentSource:
    """Draws payments; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def draw(self, count: int, switches: Switches = NOTHING_WRONG) -> Sequence[Payment]:
        """Draw the next payments."""
        draw = self._generator
        cards = draw.integers(_CARDS, size=count)
        amounts = np.exp(draw.normal(TYPICAL_LOG_AMOUNT, 1.0, count)) * switches.amount_factor
        categories = draw.choice(len(CATEGORIES), count, p=_SHARES)
        hours = draw.exponential(TYPICAL_HOURS, count)
        ages = draw.gamma(2.0, TYPICAL_CARD_AGE_DAYS / 2, count)
        mismatches, new, missing, changed, last = draw.random((5, count))
        return [
            Payment(
                card=f"card-{cards[place]:05d}",
                amount=round(float(amounts[place]), 2),
                merchant_category=NEW_CATEGORY if new[place] < switches.new_category else CATEGORIES[categories[place]],
                hours_since_last_payment=(
                    None if missing[place] < switches.missing_sensor else round(float(hours[place]), 3)
                ),
                country_mismatch=bool(mismatches[place] < _MISMATCHES),
                card_age_days=round(float(ages[place]), 1),
                has_other_concept=bool(changed[place] < switches.changed_concept),
                draw=float(last[place]),
            )
            for place in range(count)
        ]
