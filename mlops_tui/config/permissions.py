"""Who may read or change a file that a token, or a way to get one, is kept in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlops_tui.domain.errors import ConfigError

_OTHERS = 0o077
_OTHERS_WRITE = 0o022


def require_private(path: Path, what: str) -> None:
    """Refuse a regular file that anyone but its owner may read or change.

    Pipes pass (``--token-file <(pass gitlab)``): they have no lasting content. Raises ConfigError with the command
    that mends it.
    """
    _require(path, what, _OTHERS, "read", "600")


def require_unshared(path: Path, what: str) -> None:
    """Refuse a regular file that anyone but its owner may change; reading it is harmless. Raises ConfigError."""
    _require(path, what, _OTHERS_WRITE, "change", "go-w")


def require_private_folder(folder: Path) -> None:
    """Refuse a folder that anyone but its owner may look into. Raises ConfigError with the command that mends it."""
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
        raise ConfigError(
            "The settings folder is open to others",
            why="it names where tokens are kept",
            remedy=f"Run chmod 700 {folder}",
            source=str(folder),
        )


def _require(path: Path, what: str, forbidden: int, verb: str, mode: str) -> None:
    if os.name != "posix":
        return
    status = path.stat()
    if stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) & forbidden:
        raise ConfigError(
            f"{what} is open to others",
            why=f"others may {verb} it (mode {stat.S_IMODE(status.st_mode):o})",
            remedy=f"Run chmod {mode} {path}",
            source=str(path),
        )
