"""The one form of a change to GitLab: what the preview shows is what is hashed into the journal and what is sent."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mlops_tui.domain.canonical import JsonValue


class Method(StrEnum):
    """The HTTP verbs that change something."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request that changes something, complete but for the host and the token.

    ``path`` starts at the instance's root ("/api/v4/..."), already percent-encoded. It may hold a ``{name}`` that only
    an earlier call's answer can fill (see ``filled``). ``purpose`` is a short clause for the preview.
    """

    method: Method
    path: str
    body: Mapping[str, JsonValue] | None = None
    purpose: str = ""

    def as_curl(self, origin: str) -> str:
        """The call as a shell line; the token is left to a variable of the reader's shell, so none can leak."""
        parts = ["curl", "--request", self.method.value, "--header", '"PRIVATE-TOKEN: $GITLAB_TOKEN"']
        if self.body is not None:
            parts += ["--header", shlex.quote("Content-Type: application/json")]
            parts += ["--data", shlex.quote(json.dumps(self.body, ensure_ascii=False, sort_keys=True))]
        parts.append(shlex.quote(origin.rstrip("/") + self.path))
        return " ".join(parts)

    def record(self) -> dict[str, JsonValue]:
        """The call as it enters the journal."""
        return {"method": self.method.value, "path": self.path, "body": self.body}

    def filled(self, **values: str | int) -> ApiCall:
        """The call with its placeholders replaced, for instance ``filled(pipeline=611)``."""
        path = self.path
        for name, value in values.items():
            path = path.replace("{" + name + "}", str(value))
        return replace(self, path=path)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What came back of an ``ApiCall``."""

    call: ApiCall
    url: str
    status: int
    request_id: str
    body: JsonValue = field(repr=False, default=None)
