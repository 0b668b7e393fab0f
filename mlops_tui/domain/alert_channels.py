"""How this user's program tells of alerts besides issues: a key for GitLab's endpoint, and a program of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AlertChannels:
    """How the endpoint's authorization key is got, and what is run; the key itself never stands here.

    At most one of ``key_file``, ``key_command`` and ``key_variable`` (of the environment) is set. ``command`` is run
    without a shell, with what is told as JSON on its standard input.
    """

    key_file: Path | None = None
    key_command: tuple[str, ...] = field(default=(), repr=False)
    key_variable: str | None = None
    command: tuple[str, ...] = ()

    @property
    def has_key(self) -> bool:
        """Whether there is a way to the key."""
        return bool(self.key_file or self.key_command or self.key_variable)
