"""Credentials: what opens GitLab, kept so that no print, log or error can show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class TokenKind(StrEnum):
    """The kinds of token GitLab issues, by how they are presented.

    PERSONAL is a personal, project or group access token (``PRIVATE-TOKEN`` or Bearer), OAUTH an OAuth token (Bearer
    only), JOB a CI job token (``JOB-TOKEN``).
    """

    PERSONAL = "personal"
    OAUTH = "oauth"
    JOB = "job"

    @property
    def words(self) -> str:
        """The kind as people say it."""
        match self:
            case TokenKind.PERSONAL:
                return "access token"
            case TokenKind.OAUTH:
                return "OAuth token"
            case TokenKind.JOB:
                return "CI job token"
            case _:
                assert_never(self)


class Secret:
    """A text that shows itself only to whoever calls ``reveal``.

    It is equal to another secret of the same text, cannot be pickled, and prints as stars.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that puts it into a header."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return format("***", format_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        message = "a secret is never written down"
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class FoundCredential:
    """A token and where it came from; ``source`` is for people ("--token-file", "GITLAB_TOKEN", a file's path)."""

    kind: TokenKind
    secret: Secret
    source: str
