"""How the share of a step becomes percentages of flags, and what those percentages really give each arm.

GitLab's flags know no variants: each new version has a flag of its own, asked in the order of the plan, and whoever is
not admitted by one is asked by the next. The percentage of the second is therefore one of those the first left over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor

from mlops_tui.domain.policy import RolloutPolicy


def arm_weights(policy: RolloutPolicy, weight: float) -> dict[str, float]:
    """The share of each new version in percent when all of them together get ``weight`` percent.

    They share it evenly, or as the policy's ``weights`` of those arms relate to each other.
    """
    given = {arm: policy.weights.get(arm, 0.0) for arm in policy.treatments}
    if not all(given.values()):
        given = dict.fromkeys(policy.treatments, 1.0)
    total = sum(given.values())
    return {arm: weight * part / total for arm, part in given.items()}


def flag_percentages(weights: Sequence[float]) -> list[int]:
    """The percentage of each flag, rounded to a whole one as GitLab wants it, for weights in percent in plan order."""
    percentages: list[int] = []
    before = 0.0
    for weight in weights:
        rest = 100.0 - before
        percentages.append(min(100, floor(100.0 * weight / rest + 0.5)) if rest > 0 else 0)
        before += weight
    return percentages


def shares_of(percentages: Sequence[int]) -> list[float]:
    """What flags of these percentages give, in percent of all traffic, in plan order."""
    shares: list[float] = []
    left = 100.0
    for percentage in percentages:
        shares.append(left * percentage / 100.0)
        left -= shares[-1]
    return shares


def step_weights(policy: RolloutPolicy, weight: float) -> Mapping[str, float]:
    """What each new version really gets by flags at a step of ``weight`` percent."""
    shares = shares_of(flag_percentages(list(arm_weights(policy, weight).values())))
    return dict(zip(policy.treatments, shares, strict=True))
