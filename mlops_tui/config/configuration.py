"""The settings as the rest of the program sees them: frozen records made from a document that is known to be valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlops_tui.domain.alert_channels import AlertChannels
from mlops_tui.domain.contexts import Context, ContextKind
from mlops_tui.domain.preferences import Announcement, Clipboard, Preferences
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind


@dataclass(frozen=True, slots=True)
class ConfiguredContext:
    """A context with the two ways a person may have named to get its token; either may be absent."""

    context: Context
    token_file: Path | None = None
    token_command: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a settings file says. An absent file is an empty configuration.

    ``source`` is the file it came from, empty when there is none.
    """

    source: str = ""
    default_context: str | None = None
    contexts: Mapping[str, ConfiguredContext] = field(default_factory=dict)
    preferences: Preferences = field(default_factory=Preferences)


def configuration_of(document: Mapping[str, Any], source: str) -> Configuration:
    """Turn a validated document into records; keys that are not set take the records' own defaults."""
    return Configuration(
        source=source,
        default_context=document.get("default_context"),
        contexts={name: configured_context(name, table) for name, table in document.get("contexts", {}).items()},
        preferences=_preferences(document),
    )


def configured_context(name: str, table: Mapping[str, Any]) -> ConfiguredContext:
    """Turn one ``[contexts.NAME]`` table into records, with ``~`` expanded in the names of files."""
    chosen: dict[str, Any] = {key: table[key] for key in ("proxy", "theme") if table.get(key) is not None}
    chosen |= {key: float(table[key]) for key in ("poll_interval", "timeout") if key in table}
    if table.get("ca_bundle"):
        chosen["ca_bundle"] = str(Path(table["ca_bundle"]).expanduser())
    if table.get("traces") is not None:
        chosen["traces"] = _trace_source(table["traces"], table, chosen.get("ca_bundle"))
    if table.get("alerts") is not None:
        chosen["alerts"] = _alert_channels(table["alerts"])
    context = Context(
        name=name,
        url=instance_address(table["url"]),
        projects=tuple(table.get("projects", ())),
        groups=tuple(table.get("groups", ())),
        kind=ContextKind(table.get("kind", ContextKind.OTHER)),
        is_read_only=table.get("read_only", False),
        **chosen,
    )
    token_file = table.get("token_file")
    return ConfiguredContext(
        context,
        token_file=Path(token_file).expanduser() if token_file else None,
        token_command=tuple(table.get("token_command") or ()),
    )


def _trace_source(table: Mapping[str, Any], context: Mapping[str, Any], ca_bundle: str | None) -> TraceSource:
    """Turn the table of a context's traces into a record; ``ca_bundle`` is the context's."""
    kind = TraceSourceKind(table.get("kind", TraceSourceKind.EMBEDDED))
    url = table.get("url") or (_project_tracing(context) if kind is TraceSourceKind.GITLAB else "")
    names = ("database", "table", "tenant", "user", "token_variable")
    chosen: dict[str, Any] = {key: table[key] for key in names if table.get(key) is not None}
    chosen |= {key: Path(table[key]).expanduser() for key in ("data", "token_file") if table.get(key)}
    if "timeout" in table:
        chosen["timeout"] = float(table["timeout"])
    own_bundle = table.get("ca_bundle")
    return TraceSource(
        kind=kind,
        url=instance_address(url) if url else "",
        ca_bundle=str(Path(own_bundle).expanduser()) if own_bundle else ca_bundle,
        token_command=tuple(table.get("token_command") or ()),
        **chosen,
    )


def _alert_channels(table: Mapping[str, Any]) -> AlertChannels:
    """Turn the table of a context's ways to tell of alerts into a record."""
    key_file = table.get("key_file")
    return AlertChannels(
        key_file=Path(key_file).expanduser() if key_file else None,
        key_command=tuple(table.get("key_command") or ()),
        key_variable=table.get("key_variable"),
        command=tuple(table.get("command") or ()),
    )


def _project_tracing(context: Mapping[str, Any]) -> str:
    """Where GitLab's former tracing of a context's first project is."""
    projects = context.get("projects") or ("",)
    return f"{instance_address(context['url'])}/api/v4/projects/{quote(projects[0], safe='')}/observability/v1"


def instance_address(url: str) -> str:
    """The address of an instance as contexts keep it: with a scheme, without a slash at its end."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}://{rest.rstrip('/')}" if separator else f"https://{url.rstrip('/')}"


def _preferences(document: Mapping[str, Any]) -> Preferences:
    chosen = {key: document[key] for key in ("theme", "low_bandwidth", "mouse", "keymap") if key in document}
    clipboard = Clipboard(document.get("clipboard", Clipboard.AUTO))
    announce = Announcement(document.get("announce", Announcement.BELL))
    command = tuple(document.get("announce_command") or ())
    return Preferences(clipboard=clipboard, announce=announce, announce_command=command, **chosen)
