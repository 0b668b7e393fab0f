"""The switches of a sandbox's inference service, set from the command line."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from mlops_tui.cli.tables import Column
from mlops_tui.config.paths import Paths
from mlops_tui.domain.errors import UnreachableError, UsageError
from mlops_tui.sandbox.inference.switches import LIMITS, Switches

COLUMNS = (
    Column("switch", "switch", is_whole=True),
    Column("value", "value", is_number=True),
    Column("usual", "usual", is_number=True),
    Column("least", "least", is_number=True),
    Column("most", "most", is_number=True),
)
_TIMEOUT_SECONDS = 10


def address(url: str | None) -> str:
    """The sandbox meant: the one at ``url``, else that of the demo opened last of those that are open.

    Raises:
        UsageError: No demo is open.
    """
    if url is not None:
        return url.rstrip("/")
    try:
        newest = max(Paths.of_user().demos.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        return str(json.loads(newest.read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError):
        raise UsageError("No demo is open", remedy="Open one with mlops-tui demo, or name a sandbox by --url") from None


def parse_switches(texts: Sequence[str]) -> dict[str, float]:
    """Read ``canary_errors=0.3`` and the like. Raises UsageError for what is no switch and a number."""
    given: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            given[name.strip()] = float(value)
        except ValueError:
            raise UsageError(
                f"{text!r} sets nothing", remedy="Write a switch and a number: canary_errors=0.3"
            ) from None
    return given


def switched(sandbox: str, given: Mapping[str, float], *, reset: bool) -> list[dict[str, Any]]:
    """Set switches of a sandbox, after setting all of them back if wanted; answers how all of them stand.

    Raises:
        UsageError: A switch does not exist, cannot be set to that, or this sandbox has none.
        UnreachableError: Nobody answers there.
    """
    hook = f"{sandbox}/-/sandbox/inference"
    if reset:
        _ask("DELETE", hook, None)
    document = _ask("POST", hook, given) if given else _ask("GET", hook, None)
    usual = Switches().document()
    return [
        {"switch": name, "value": value, "usual": usual.get(name), "least": least, "most": most}
        for name, value in document["switches"].items()
        for least, most in [LIMITS.get(name, (None, None))]
    ]


def _ask(verb: str, url: str, body: Mapping[str, float] | None) -> Mapping[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=verb)  # noqa: S310 - http
    # The hooks answer this machine only, so that no proxy may stand between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            found: Mapping[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise UsageError("The sandbox set no switch", why=_complaint(error)) from None
    except OSError as error:
        raise UnreachableError(f"Nothing answers at {url}", why=str(getattr(error, "reason", error))) from None


def _complaint(error: urllib.error.HTTPError) -> str:
    try:
        said = str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        return f"it answered {error.code}; perhaps it is none, or has no model that is served"
    return said.removeprefix("400 Bad request - ")
