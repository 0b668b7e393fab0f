"""Whether what a step lacks still comes in: a wait that cannot end is no wait, and the plan says what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mlops_tui.domain.judgements import Judgement
from mlops_tui.domain.policy import RolloutPolicy, RolloutStep
from mlops_tui.operations.measurements import GRACE, MeasuredWindow
from mlops_tui.operations.rollouts.traffic import samples_of

_UNKNOWN_WIDTH = timedelta(minutes=1)
_QUIET_WINDOWS = 10


def silent_arms(
    plan: RolloutPolicy,
    step: RolloutStep,
    since: datetime,
    windows: Sequence[MeasuredWindow],
    verdicts: Sequence[Judgement],
    left: Mapping[str, int],
    now: datetime,
) -> tuple[str, ...]:
    """The arms of which nothing came on this step, or comes any more of what they lack; none before its time is over.

    Windows close late, and the first may have begun before the step, so an arm that serves is given two more.
    """
    width = windows[-1].width if windows else _UNKNOWN_WIDTH
    closed = now - 2 * width - GRACE
    if closed < since + step.soak:
        return ()
    samples = samples_of(windows)
    quiet_since = closed - max(step.soak, _QUIET_WINDOWS * width)
    lately = samples_of(window for window in windows if window.end > quiet_since)
    earlier = [item for item in verdicts if item.at <= quiet_since]

    def is_stalled(arm: str) -> bool:
        if quiet_since < since:
            return False
        lack = guardrail_lack(plan, verdicts, arm)
        lacks_spans = step.min_samples > samples[arm] and not lately[arm]
        return lacks_spans or (lack > 0 and lack == guardrail_lack(plan, earlier, arm))

    return tuple(arm for arm, count in left.items() if not samples[arm] or (count > 0 and is_stalled(arm)))


def guardrail_lack(plan: RolloutPolicy, verdicts: Sequence[Judgement], arm: str) -> int:
    """The most that any critical guardrail lacks of an arm."""
    wanted = {item.name: item.min_samples for item in plan.guardrails if item.is_critical}
    results = verdicts[-1].guardrails if verdicts else ()
    seen = {result.name: result.n[arm] for result in results if arm in result.n}
    return max((int(least - seen.get(name, 0.0)) for name, least in wanted.items()), default=0)
