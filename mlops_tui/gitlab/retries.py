"""When and how long to wait before asking again; only for requests that change nothing."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import UnreachableError
from mlops_tui.gitlab.messages import Answer, http_date, whole_number

_LONGEST = 3_600.0


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """At most ``attempts`` requests, whose waits (seconds) grow from ``first`` to ``cap`` and end before ``total``."""

    attempts: int = 4
    first: float = 0.5
    cap: float = 8.0
    total: float = 30.0


class Retries:
    """Repeats an idempotent request after a broken connection, 5xx, 429 or a resource lock."""

    def __init__(self, clock: Clock, options: RetryOptions, chance: random.Random) -> None:
        self._clock = clock
        self._options = options
        self._chance = chance

    async def run(self, attempt: Callable[[], Awaitable[Answer]], *, is_urgent: bool = False) -> Answer:
        """The first answer that is final, or the last one there was time for.

        Raises the last ``UnreachableError`` when no answer came at all; after two attempts where it ``is_urgent`` to
        know that there is no connection.
        """
        deadline = self._clock.monotonic() + self._options.total
        for number in range(1, self._options.attempts):
            try:
                answer = await attempt()
            except UnreachableError as error:
                if not error.is_passing or (is_urgent and number > 1 and not error.may_have_arrived):
                    raise
                wait = self._backoff(number)
                if self._clock.monotonic() + wait > deadline:
                    raise
            else:
                if not is_worth_repeating(answer):
                    return answer
                wait = self._wait_after(answer, number)
                if self._clock.monotonic() + wait > deadline:
                    return answer
            await self._clock.sleep(wait)
        return await attempt()

    def _wait_after(self, answer: Answer, number: int) -> float:
        asked = retry_after(answer, self._clock.now())
        if asked is None:
            return self._backoff(number)
        return asked + self._chance.uniform(0, 0.1) * min(asked, self._options.cap)

    def _backoff(self, number: int) -> float:
        longest = min(self._options.cap, self._options.first * 2.0 ** (number - 1))
        return longest * self._chance.uniform(0.5, 1.0)


def is_worth_repeating(answer: Answer) -> bool:
    """Whether the same request may well succeed a little later."""
    if answer.status == 409:
        return "resource lock" in answer.text[:1_000].lower()
    return answer.status == 429 or 500 <= answer.status <= 599


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds the server wants to be left alone, None when it does not say.

    Dates are compared with the server's own Date header, so that a wrong clock here or there does no harm; ``now``
    stands in where the server sends none.
    """
    reference = answer.date or now
    text = answer.headers.get("retry-after", "").strip()
    seconds = whole_number(text)
    if seconds is not None:
        return min(float(seconds), _LONGEST)
    moment = http_date(text)
    if moment is not None:
        return _between(reference, moment)
    return reset_in(answer, now) if answer.status == 429 else None


def reset_in(answer: Answer, now: datetime) -> float | None:
    """Seconds until the host's request limit starts anew, None when it does not say."""
    reset = whole_number(answer.headers.get("ratelimit-reset", ""))
    if reset is None:
        return None
    try:
        moment = datetime.fromtimestamp(reset, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return _between(answer.date or now, moment)


def _between(start: datetime, end: datetime) -> float:
    return min(max(0.0, (end - start).total_seconds()), _LONGEST)
