"""The errors people read: what failed, why, and what to do about it.

Every error that may reach a user derives from ``MlopsError`` and carries the exit code of the command line, so no
floor above has to translate.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status says."""

    DONE = 0
    GATE = 1
    USAGE = 2
    INSUFFICIENT = 3
    UNAVAILABLE = 4
    REFUSED = 5


class MlopsError(Exception):
    """Something a person has to read.

    ``what`` failed, ``why``, and a ``remedy``; each a sentence
    without its full stop.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.UNAVAILABLE

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        sentence = f"{self.what}: {self.why}" if self.why else self.what
        return f"{sentence}. {self.remedy}." if self.remedy else f"{sentence}."


class UsageError(MlopsError):
    """What was asked for makes no sense as written."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A settings or policy file is wrong.

    ``source`` is the file (or environment variable) and ``key`` the dotted key; ``line`` is 1-based where it is known.
    """

    def __init__(
        self, what: str, *, why: str = "", remedy: str = "", source: str = "", key: str = "", line: int | None = None
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.source = source
        self.key = key
        self.line = line

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        place = f"{place}: {self.key}" if self.key and place else place or self.key
        return f"{place}: {super().__str__()}" if place else super().__str__()


class GateError(MlopsError):
    """A gate said no: a pipeline failed, a request was rejected, a limit was breached."""

    exit_code = ExitCode.GATE


class InsufficientDataError(MlopsError):
    """There is not enough data for an answer, which is an answer of its own."""

    exit_code = ExitCode.INSUFFICIENT


class RefusedError(MlopsError):
    """We did not do it, on purpose."""

    exit_code = ExitCode.REFUSED


class ReadOnlyError(RefusedError):
    """The context or the command line forbids changes."""


class StateChangedError(RefusedError):
    """What the preview was made from is no longer so; nothing was sent."""


class NotConfirmedError(RefusedError):
    """The person did not confirm."""


class UnsettledError(RefusedError):
    """An earlier action on the same model and environment has an unknown outcome."""


class RemoteError(MlopsError):
    """The server answered, or failed to answer, in a way that ends the request.

    ``status`` is the HTTP status or None when there was no answer; ``request_id`` is the server's own.
    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        remedy: str = "",
        status: int | None = None,
        request_id: str = "",
        url: str = "",
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.status = status
        self.request_id = request_id
        self.url = url


class UnreachableError(RemoteError):
    """No connection, a broken connection, or no answer in time.

    ``may_have_arrived`` is False when the request surely never left, so that a change was surely not made;
    ``is_passing`` is False when trying again cannot help (an untrusted certificate).
    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        remedy: str = "",
        url: str = "",
        may_have_arrived: bool = True,
        is_passing: bool = True,
    ) -> None:
        super().__init__(what, why=why, remedy=remedy, url=url)
        self.may_have_arrived = may_have_arrived
        self.is_passing = is_passing


class NotSignedInError(RemoteError):
    """The token is unknown, expired or revoked; asking again cannot help."""


class NotAllowedError(RemoteError):
    """The token is good, but its role or scope is not enough."""

    exit_code = ExitCode.REFUSED


class NotFoundError(RemoteError):
    """It does not exist, or this token may not see it: GitLab answers both alike."""


class UnknownNameError(NotFoundError):
    """Everything was read, and nothing in it has the name that was given: the command is wrong, and not GitLab."""

    exit_code = ExitCode.USAGE


class InvalidRequestError(RemoteError):
    """The server refused what was sent as wrong in itself (400, 405, 413, 422)."""


class ConflictError(RemoteError):
    """The server's state is in the way (409, 412)."""


class RateLimitedError(RemoteError):
    """Too many requests; ``retry_after`` is in seconds."""

    def __init__(
        self, what: str, *, retry_after: float, status: int | None = 429, request_id: str = "", url: str = ""
    ) -> None:
        super().__init__(
            what,
            why="GitLab allows no more requests for now",
            remedy=f"It is asked again in {retry_after:.0f} s",
            status=status,
            request_id=request_id,
            url=url,
        )
        self.retry_after = retry_after


class ServerFaultError(RemoteError):
    """The server failed (5xx)."""


class UnreadableAnswerError(RemoteError):
    """The answer is not what the API promises: not JSON, cut off, or of another shape."""
