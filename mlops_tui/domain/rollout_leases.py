"""The lease of a rollout: who may act on it without being asked, and until when.

GitLab has no compare-and-set, but it refuses a second flag of one name. A lease is therefore a flag with a number, and
whoever takes over makes the next number: of two who try, one fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mlops_tui.domain.api_calls import SECOND, second
from mlops_tui.domain.feature_flags import FeatureFlag
from mlops_tui.domain.rollouts import Lease

_NAME = re.compile(r"mlops-lease-(?P<rollout>[0-9a-f]{8})-(?P<number>[0-9]{1,9})")
_TEXT = re.compile(rf"held by (?P<holder>.{{1,120}}) until (?P<until>{SECOND})")


@dataclass(frozen=True, slots=True)
class LeaseNote:
    """What a watcher noted when it took a lease, or gave it back; ``at`` is in GitLab's time where that was known."""

    number: int
    holder: str
    at: datetime
    is_given_back: bool = False


def lease_name(rollout: str, number: int) -> str:
    """The flag of a lease."""
    return f"mlops-lease-{rollout}-{number}"


def lease_number(flag: str, rollout: str) -> int | None:
    """The number of a rollout's lease by its flag's name, None for any other flag."""
    name = _NAME.fullmatch(flag)
    return int(name["number"]) if name is not None and name["rollout"] == rollout else None


def lease_text(holder: str, until: datetime) -> str:
    """What the flag's description says."""
    return f"held by {holder} until {second(until)}"


def leases_of(flags: Iterable[FeatureFlag], rollout: str) -> list[Lease]:
    """The leases of a rollout, the highest number last; one that says nothing readable has expired long ago."""
    found: list[Lease] = []
    for flag in flags:
        number = lease_number(flag.name, rollout)
        if number is None:
            continue
        text = _TEXT.fullmatch(flag.description)
        until = datetime.min.replace(tzinfo=UTC)
        if text is not None:
            try:
                until = datetime.fromisoformat(text["until"])
            except ValueError:
                text = None
        found.append(Lease(number, text["holder"] if text else "", until, flag.created_at))
    return sorted(found, key=lambda lease: lease.number)


def current_lease(flags: Iterable[FeatureFlag], rollout: str) -> Lease | None:
    """The lease that counts, which is the one of the highest number; None where there is none."""
    found = leases_of(flags, rollout)
    return found[-1] if found else None
