"""Contexts: which GitLab, which projects in it, and how carefully to treat them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from mlops_tui.domain.alert_channels import AlertChannels
from mlops_tui.domain.trace_sources import TraceSource

_DEFAULT_PORTS = {"http": 80, "https": 443}


class ContextKind(StrEnum):
    """How careful to be: in a PRODUCTION context every environment counts as production."""

    PRODUCTION = "production"
    OTHER = "other"


def origin_of(url: str) -> str:
    """Scheme, host and port of ``url`` ("https://gitlab.com"), lower case, without the scheme's own port.

    A bare host is read as https. Raises ValueError for what is no http or https address.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower().rstrip(".")
    if scheme not in _DEFAULT_PORTS or not host:
        message = "an address starts with https:// or http:// and names a host"
        raise ValueError(message)
    name = f"[{host}]" if ":" in host else host
    port = parts.port
    return f"{scheme}://{name}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{scheme}://{name}:{port}"


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Context:
    """One GitLab as this session sees it.

    ``url`` is the instance's address without a slash at its end and may hold a path (GitLab under a relative root).
    ``projects`` and ``groups`` are full paths or numeric ids as text. ``poll_interval`` and ``timeout`` are in seconds.
    ``ca_bundle`` is a file of certificates and ``proxy`` an address, which may hold a password and is therefore not in
    the repr; None leaves both to the environment. ``traces`` is where its inference traces are, None for the user's
    own store; ``alerts`` how alerts are told besides issues.
    """

    name: str
    url: str
    projects: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    kind: ContextKind = ContextKind.OTHER
    is_read_only: bool = False
    ca_bundle: str | None = None
    proxy: str | None = field(default=None, repr=False)
    poll_interval: float = 10.0
    timeout: float = 30.0
    theme: str | None = None
    traces: TraceSource | None = None
    alerts: AlertChannels = field(default_factory=AlertChannels)

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a token belongs to."""
        return origin_of(self.url)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, the one place where a token may travel over plain http."""
        return is_loopback(self.url)

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return urlsplit(self.url).scheme.lower() == "https"
