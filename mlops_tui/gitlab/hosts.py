"""Where a GitLab instance answers: scheme, host, port and, for some installations, a path of its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from mlops_tui.domain.errors import ConfigError

ParameterValue: TypeAlias = "str | int | float | bool | Sequence[str | int] | None"
Parameters: TypeAlias = "Mapping[str, ParameterValue]"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_API_ROOTS = ("/api/v4/", "/api/graphql")


@dataclass(frozen=True, slots=True)
class Host:
    """One GitLab instance.

    ``origin`` is scheme, host and port without a slash at the end ("https://gitlab.example.com:8443"); ``root`` is the
    relative URL root ("/gitlab") or empty. Make one with ``parse``.
    """

    origin: str
    root: str = ""

    @classmethod
    def parse(cls, url: str) -> Host:
        """Read a base URL as people write it; raises ``ConfigError`` for anything that is no plain http(s) address."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise _bad_url("its host or port cannot be read") from error
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise _bad_url("it must start with https:// (or http://) and name a host")
        if parts.username is not None or parts.password is not None:
            raise _bad_url("it holds a user name or password", "Put the token into token_file or token_command")
        if parts.query or parts.fragment:
            raise _bad_url("it has a query or a fragment")
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
        return cls(f"{parts.scheme}://{name}{suffix}", _trimmed_root(parts.path))

    @property
    def name(self) -> str:
        """Host and port as people say it, for instance as the source of a snapshot."""
        return self.origin.partition("://")[2] + self.root

    @property
    def is_encrypted(self) -> bool:
        """Whether the instance is reached over TLS."""
        return self.origin.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        """Whether the instance runs on this machine, so that nothing crosses a network."""
        name = urlsplit(self.origin).hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def url(self, path: str, parameters: Parameters | None = None) -> str:
        """The full address of ``path``, which starts at the instance's root and is already percent-encoded."""
        if not path.startswith("/") or path.startswith("//"):
            message = f"a path on the instance starts with one slash: {path!r}"
            raise ValueError(message)
        query = encoded_query(parameters or {})
        separator = "&" if "?" in path else "?"
        return f"{self.origin}{self.root}{path}{separator}{query}" if query else f"{self.origin}{self.root}{path}"

    def owns(self, url: str) -> bool:
        """Whether ``url`` has this instance's scheme, host and port, so that it may be given the token."""
        try:
            return Host.parse(urlsplit(url)._replace(query="", fragment="").geturl()).origin == self.origin
        except (ConfigError, ValueError):
            return False

    def local_path(self, url: str) -> str | None:
        """The path and query of an API address that GitLab wrote, or None when it is no API address.

        GitLab writes links with the host name of its own settings, which behind a tunnel is not the one we reach it by
        (GitLab: lib/gitlab/pagination/offset_header_builder.rb).
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        for start in _API_ROOTS:
            position = parts.path.find(start)
            if position >= 0:
                path = parts.path[position:]
                return f"{path}?{parts.query}" if parts.query else path
        return None


def path_segment(value: str | int) -> str:
    """One path segment, percent-encoded as GitLab wants it: "acme/fraud" becomes "acme%2Ffraud"."""
    encoded = quote(str(value), safe="")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def encoded_query(parameters: Parameters) -> str:
    """A query string; None is left out, booleans are ``true``/``false``, a sequence repeats its key."""
    pairs: list[tuple[str, str]] = []
    for key, value in parameters.items():
        if value is None:
            continue
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs.extend((key, str(item).lower() if isinstance(item, bool) else str(item)) for item in several)
    return urlencode(pairs)


def _trimmed_root(path: str) -> str:
    root = path.rstrip("/")
    for suffix in ("/api/v4", "/api"):
        root = root.removesuffix(suffix)
    return root


def _bad_url(why: str, remedy: str = "Write it like https://gitlab.example.com") -> ConfigError:
    return ConfigError("The URL of the GitLab instance is not usable", why=why, remedy=remedy, key="url")
