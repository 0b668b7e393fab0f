"""What can be made to go wrong in the inference service, while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

MOST_REQUESTS = 20.0
# The least and the greatest value of each switch.
LIMITS = {
    "canary_errors": (0.0, 1.0),
    "canary_delay_ms": (0.0, 2_000.0),
    "amount_factor": (0.01, 100.0),
    "new_category": (0.0, 1.0),
    "missing_sensor": (0.0, 1.0),
    "changed_concept": (0.0, 1.0),
    "rate": (0.0, MOST_REQUESTS),
}


class SwitchError(ValueError):
    """A switch that does not exist, or cannot be set to that; the text says which."""


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches; as they are made nothing is wrong.

    `canary_errors` is the share of requests that the canary fails, `canary_delay_ms` what it takes longer.
    `amount_factor` multiplies every amount. `new_category` is the share of payments of a kind the model never saw,
    `missing_sensor` the share without `hours_since_last_payment`, `changed_concept` the share in which what is fraud
    follows another rule while the inputs stay as they are. `rate` is in requests a second.
    """

    canary_errors: float = 0.0
    canary_delay_ms: float = 0.0
    amount_factor: float = 1.0
    new_category: float = 0.0
    missing_sensor: float = 0.0
    changed_concept: float = 0.0
    rate: float = 15.0

    def changed(self, given: Mapping[str, Any]) -> Switches:
        """Return the switches with some of them set anew.

        Raises:
            SwitchError: for an unknown one, or a value outside of its limits.
        """
        for name, value in given.items():
            if name not in LIMITS:
                raise SwitchError(f"{name} is no switch; there are {', '.join(LIMITS)}")
            least, most = LIMITS[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise SwitchError(f"{name} is a number from {least:g} to {most:g}")
        return replace(self, **{name: float(value) for name, value in given.items()})

    def document(self) -> dict[str, float]:
        """Return them as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Switches:
        """Read what `document` wrote; names of a later version are left out."""
        known = {one.name for one in fields(cls)}
        return cls().changed({name: value for name, value in document.items() if name in known})
