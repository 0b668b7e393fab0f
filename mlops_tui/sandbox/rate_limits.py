"""GitLab's two rate limiters (GitLab: lib/gitlab/rack_attack.rb, lib/gitlab/application_rate_limiter.rb).

Both are off until switched on by `POST /-/sandbox/rate_limits`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from mlops_tui.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.authentication import Identity

SELF_MANAGED = {
    "jobs_index": (600, 60),
    "notes_create": (300, 60),
    "project_api": (400, 60),
    "group_projects_api": (600, 60),
    "projects_api": (2000, 600),
    "project_members_api": (200, 60),
    "users_get_by_id": (300, 600),
}


@dataclass(slots=True)
class RateLimits:
    """The limits in force and what was counted; `(requests, seconds)` each."""

    throttle: tuple[int, int] | None = None
    application: dict[str, tuple[int, int]] = field(default_factory=dict)
    _counts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=lambda: defaultdict(lambda: (0, 0)))

    def reset(self) -> None:
        """Forget what was counted."""
        self._counts.clear()

    def count_request(self, now: datetime, caller: str) -> tuple[dict[str, str], bool]:
        """Count a request against the throttle; return the headers of the answer and whether it is refused."""
        if self.throttle is None:
            return {}, False
        limit, period = self.throttle
        observed, reset = self._count(now, "throttle", caller, period)
        name = "throttle_authenticated_api" if caller != "anonymous" else "throttle_unauthenticated_api"
        headers = {
            "RateLimit-Name": name,
            "RateLimit-Limit": str(math.ceil(limit * 60 / period)),
            "RateLimit-Observed": str(observed),
            "RateLimit-Remaining": str(max(0, limit - observed)),
            "RateLimit-Reset": str(reset),
        }
        if observed <= limit:
            return headers, False
        at = now.fromtimestamp(reset, now.tzinfo)
        headers["RateLimit-ResetTime"] = format_datetime(at, usegmt=True)
        headers["Retry-After"] = str(max(1, reset - int(now.timestamp())))
        return headers, True

    def check(self, now: datetime, name: str | None, caller: str) -> None:
        """Count a request against an application limit.

        Raises:
            ApiError: 429 with `Retry-After` = the whole interval.
        """
        if name is None or name not in self.application:
            return
        limit, period = self.application[name]
        observed, _ = self._count(now, name, caller, period)
        if observed > limit:
            text = "This endpoint has been requested too many times. Try again later."
            raise ApiError(429, {"message": {"error": text}}, {"Retry-After": str(period)})

    def _count(self, now: datetime, name: str, caller: str, period: int) -> tuple[int, int]:
        window = int(now.timestamp()) // period
        counted_window, count = self._counts[name, caller]
        count = count + 1 if counted_window == window else 1
        self._counts[name, caller] = (window, count)
        return count, (window + 1) * period


def caller_name(identity: Identity) -> str:
    """Return the name that requests are counted under."""
    return f"user {identity.user.id}" if identity.user else "anonymous"


def too_many_requests(headers: Mapping[str, str]) -> Response:
    """Return the throttle's refusal, which is plain text."""
    return PlainTextResponse("Retry later\n", 429, dict(headers))
