"""Who may come in, and how much at a time: tokens, and bounds on what is held in memory."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mlops_tui.tracing.answers import IntakeError

MEBIBYTE = 1024 * 1024
_BUSY_SECONDS = 2
_UNFAIR_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the intake takes.

    ``body_bytes`` is of one body before and after decompression. At most ``requests`` are worked on at a time, of them
    ``requests_of_client`` of one address, and their bodies have at most ``held_bytes`` together.
    """

    body_bytes: int = 64 * MEBIBYTE
    requests: int = 64
    requests_of_client: int = 32
    held_bytes: int = 192 * MEBIBYTE
    body_seconds: float = 30.0


class Ticket:
    """The place of one request; ``hold`` says how much of its body is in memory."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.held = 0

    def hold(self, size: int) -> None:
        """Take room for more bytes.

        Raises:
            IntakeError: There is none just now.
        """
        if self._admission.held + size > self._admission.limits.held_bytes:
            raise IntakeError(503, "too much is waiting to be stored", _BUSY_SECONDS)
        self._admission.held += size
        self.held += size


class Admission:
    """Counts what is being worked on; belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = 0
        self._clients: Counter[str] = Counter()

    @contextmanager
    def enter(self, client: str) -> Iterator[Ticket]:
        """Hold a place for one request of ``client`` as long as the block lasts.

        Raises:
            IntakeError: There is no place: for nobody (503), or for this client (429).
        """
        if self._clients.total() >= self.limits.requests:
            raise IntakeError(503, "too many requests are waiting to be stored", _BUSY_SECONDS)
        if self._clients[client] >= self.limits.requests_of_client:
            raise IntakeError(429, "this client has too many requests under way", _UNFAIR_SECONDS)
        self._clients[client] += 1
        ticket = Ticket(self)
        try:
            yield ticket
        finally:
            self.held -= ticket.held
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]


def check_token(expected: str | None, headers: Mapping[str, str]) -> None:
    """See that a request shows the token, if one is asked for: as a bearer's or as GitLab's ``PRIVATE-TOKEN``.

    Raises:
        IntakeError: It does not (401).
    """
    if expected is None:
        return
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    shown = credential.strip() if scheme.lower() == "bearer" else headers.get("private-token", "")
    if not hmac.compare_digest(shown.encode(), expected.encode()):
        raise IntakeError(401, "the token is missing or wrong")
