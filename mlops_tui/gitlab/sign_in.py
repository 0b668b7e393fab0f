"""What a 401 means: a token that is gone, or one whose role is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.credentials import TokenKind
from mlops_tui.domain.errors import NotAllowedError, NotSignedInError, RemoteError
from mlops_tui.gitlab.authentication import Credential, RouteKind
from mlops_tui.gitlab.failures import failure, own_words
from mlops_tui.gitlab.messages import Answer, Request
from mlops_tui.gitlab.redaction import redacted

_SELF = "/api/v4/personal_access_tokens/self"
_OWN_JOB = "/api/v4/job"
_GOOD_FOR = 30.0
# What GitLab says of an expired or revoked token, and of no role (GitLab: lib/api/api_guard.rb).
_INVALID_TOKEN = b"invalid_token"


class SignIn:
    """Judges refusals of one token and remembers when it is gone.

    GitLab's MLflow routes answer 401 to a token that is good but may only read (GitLab:
    lib/api/ml/mlflow/api_helpers.rb), so a 401 alone does not tell. ``probe`` asks a path with the token.
    """

    def __init__(self, credential: Credential | None, probe: Callable[[str], Awaitable[Answer]], clock: Clock) -> None:
        self._credential = credential
        self._probe = probe
        self._clock = clock
        self._asking = asyncio.Lock()
        self._good_until = float("-inf")
        self.stopped: NotSignedInError | None = None

    def require(self, request: Request) -> None:
        """Raise ``NotSignedInError`` when the token is known to be gone: asking again cannot help."""
        if self.stopped is not None:
            raise NotSignedInError(
                f"Could not {request.what}",
                why=self.stopped.why,
                remedy=self.stopped.remedy,
                status=self.stopped.status,
                request_id=self.stopped.request_id,
                url=self.stopped.url,
            )

    async def judged(self, request: Request, answer: Answer, now: datetime) -> RemoteError:
        """The error a 401 stands for.

        Whoever is refused while the token is being asked about shares the verdict, and a good one holds for half a
        minute, so that a view that may not be read costs no second request each time.
        """
        if self._credential is None:
            return self._not_signed_in(request, answer, "no token is set")
        async with self._asking:
            if self.stopped is not None:
                return self._not_signed_in(request, answer, self.stopped.why)
            is_plain = _INVALID_TOKEN not in answer.body
            if is_plain and self._clock.monotonic() < self._good_until:
                return self._not_allowed(request, answer)
            return await self._asked(request, answer, now)

    async def _asked(self, request: Request, answer: Answer, now: datetime) -> RemoteError:
        is_job = self._credential is not None and self._credential.kind is TokenKind.JOB
        try:
            verdict = await self._probe(_OWN_JOB if is_job else _SELF)
        except RemoteError as error:
            return error
        if verdict.status == 429 or verdict.status >= 500:
            return failure(request, verdict, self._credential, now)
        if verdict.status == 401:
            self.stopped = self._not_signed_in(request, verdict, "")
            return self.stopped
        self._good_until = self._clock.monotonic() + _GOOD_FOR
        return self._not_allowed(request, answer)

    def _not_allowed(self, request: Request, answer: Answer) -> NotAllowedError:
        remedy = "Ask a maintainer for a role that may do this"
        if request.kind is RouteKind.MLFLOW:
            remedy = "The MLflow routes need the Developer role and a token with the scope api"
        elif request.kind is RouteKind.PACKAGE:
            remedy = "Files of models need the Developer role to write and the Reporter role to read"
        return NotAllowedError(
            f"Could not {request.what}",
            why="the token is good, but its role or scope is not enough",
            remedy=remedy,
            status=answer.status,
            request_id=answer.request_id,
            url=answer.url,
        )

    def _not_signed_in(self, request: Request, answer: Answer, why: str) -> NotSignedInError:
        words = redacted(own_words(answer), self._credential)
        return NotSignedInError(
            f"Could not {request.what}",
            why=why or f"GitLab does not accept the token ({words or answer.status})",
            remedy="Make a token with the scope api in GitLab (Preferences, Access tokens) and set it in the context",
            status=answer.status,
            request_id=answer.request_id,
            url=answer.url,
        )
