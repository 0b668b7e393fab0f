"""Tokens that GitLab's own command line, glab, keeps in its configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.domain.contexts import origin_of
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind

if TYPE_CHECKING:
    import yaml

_LARGEST = 262_144


def glab_credential(
    origin: str, environment: Mapping[str, str], home: Path, tell: Callable[[str], None]
) -> FoundCredential | None:
    """The token glab has for ``origin``, or None.

    A token that glab put into the system's keyring cannot be read; ``tell`` is told so, and also when the file is
    broken: glab's file is not ours to complain about more loudly.
    """
    path = next((path for path in _places(environment, home) if path.is_file()), None)
    if path is None:
        return None
    host = _host(path, origin, tell)
    if host is None:
        return None
    for key, kind in (("token", TokenKind.PERSONAL), ("job_token", TokenKind.JOB)):
        if token := host.get(key):
            is_oauth = kind is TokenKind.PERSONAL and host.get("is_oauth2", "").lower() == "true"
            return FoundCredential(TokenKind.OAUTH if is_oauth else kind, Secret(token), str(path))
    tell(f"glab knows {origin} but keeps its token elsewhere (a keyring), where it is not looked for")
    return None


def _places(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where glab looks, first to last; ``GLAB_CONFIG_DIR`` shuts out the others."""
    if named := environment.get("GLAB_CONFIG_DIR"):
        return [Path(named) / "config.yml"]
    folders = [str(home / ".config"), environment.get("XDG_CONFIG_HOME", "")]
    folders += environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
    return [Path(folder) / "glab-cli" / "config.yml" for folder in folders if folder]


def _host(path: Path, origin: str, tell: Callable[[str], None]) -> Mapping[str, str] | None:
    import yaml

    try:
        text = path.read_bytes()[:_LARGEST].decode("utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        tell(f"{path} cannot be read ({type(error).__name__}) and is left alone")
        return None
    for name, node in _entries(_child(root, "hosts")):
        host = {key: value for key, child in _entries(node) if (value := _text(child)) is not None}
        if _is_at(name, host, origin):
            return host
    return None


def _is_at(name: str, host: Mapping[str, str], origin: str) -> bool:
    address = host.get("api_host") or name
    try:
        return origin_of(f"{host.get('api_protocol') or 'https'}://{address}") == origin
    except ValueError:
        return False


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return next((child for name, child in _entries(node) if name == key), None)


def _entries(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return []
    return [(text, child) for key, child in node.value if (text := _text(key)) is not None]


def _text(node: yaml.Node) -> str | None:
    """The words of a scalar as written: glab marks some tokens ``!!null``, which a loader would drop."""
    import yaml

    return str(node.value) if isinstance(node, yaml.ScalarNode) else None
