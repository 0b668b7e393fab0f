"""The one form of a change to GitLab: what the preview shows is what is hashed into the journal and what is sent.

What nobody can know before stands in it as a placeholder: an id of an earlier answer, and the time of sending.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from mlops_tui.domain.canonical import JsonValue

TIME_OF_SENDING = "{time_of_sending}"
# What `second` writes, as a regular expression.
SECOND = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_MODEL_FILES = "/packages/ml_models/"


def second(moment: datetime) -> str:
    """A moment to the second, as lines that GitLab keeps for us tell it: 2026-11-27T10:47:55Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Method(StrEnum):
    """The HTTP verbs that change something."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Door(StrEnum):
    """What opens a route: the user's token, or the authorization key of GitLab's endpoint for alerts."""

    USER = "user"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file that is sent as it is; previews and the journal know it by its name, size in bytes and SHA-256.

    ``data`` is empty in a call that was read back from the journal.
    """

    name: str
    size: int
    sha256: str
    data: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(cls, name: str, data: bytes) -> Self:
        """The file with these bytes."""
        return cls(name, len(data), hashlib.sha256(data).hexdigest(), data)

    def record(self) -> dict[str, JsonValue]:
        """The file as it enters the journal."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request that changes something, complete but for the host and the token.

    ``path`` starts at the instance's root ("/api/v4/..."), already percent-encoded. It may hold a ``{name}`` that only
    an earlier call's answer can fill (see ``filled``), and texts of the ``body`` the time of sending (see ``dated``).
    ``purpose`` is a short clause for the preview. Where there is a ``file``, it is sent instead of a ``body``.
    """

    method: Method
    path: str
    body: Mapping[str, JsonValue] | None = None
    purpose: str = ""
    file: FileBody | None = None
    door: Door = Door.USER

    def as_curl(self, origin: str) -> str:
        """The call as a shell line; the token is left to a variable of the reader's shell, so none can leak."""
        parts = ["curl", "--request", self.method.value, "--header", self._header]
        if self.file is not None:
            parts += ["--upload-file", shlex.quote(self.file.name)]
        elif self.body is not None:
            parts += ["--header", shlex.quote("Content-Type: application/json")]
            parts += ["--data", shlex.quote(json.dumps(self.body, ensure_ascii=False, sort_keys=True))]
        parts.append(shlex.quote(origin.rstrip("/") + self.path))
        return " ".join(parts)

    @property
    def _header(self) -> str:
        if self.door is Door.ALERTS:
            return '"Authorization: Bearer $GITLAB_ALERT_KEY"'
        # Files of models know no other header (GitLab: lib/api/ml_model_packages.rb).
        name = "Authorization: Bearer" if _MODEL_FILES in self.path else "PRIVATE-TOKEN:"
        return f'"{name} $GITLAB_TOKEN"'

    def record(self) -> dict[str, JsonValue]:
        """The call as it enters the journal."""
        made: dict[str, JsonValue] = {"method": self.method.value, "path": self.path, "body": self.body}
        return made if self.file is None else made | {"file": self.file.record()}

    def filled(self, **values: str | int) -> ApiCall:
        """The call with its placeholders replaced, for instance ``filled(pipeline=611)``."""
        path = self.path
        for name, value in values.items():
            path = path.replace("{" + name + "}", str(value))
        return replace(self, path=path)

    def dated(self, moment: datetime) -> ApiCall:
        """The call as it is sent at a moment: texts of the body that wait for that time have it."""
        if self.body is None or not any(
            isinstance(text, str) and TIME_OF_SENDING in text for text in self.body.values()
        ):
            return self
        told = second(moment)
        body = {
            name: text.replace(TIME_OF_SENDING, told) if isinstance(text, str) else text
            for name, text in self.body.items()
        }
        return replace(self, body=body)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What came back of an ``ApiCall``."""

    call: ApiCall
    url: str
    status: int
    request_id: str
    body: JsonValue = field(repr=False, default=None)
