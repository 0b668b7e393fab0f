"""The way to the settings that costs least: a file that was found valid is not validated again until it changes."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlops_tui import __version__
from mlops_tui.config.configuration import Configuration, configuration_of
from mlops_tui.config.paths import CONFIG_VARIABLE, Paths, private_folder, settings_file

SETTING_VARIABLES = tuple(
    f"MLOPS_TUI_{name}"
    for name in (
        "DEFAULT_CONTEXT",
        "THEME",
        "LOW_BANDWIDTH",
        "MOUSE",
        "CLIPBOARD",
        "ANNOUNCE",
        "ANNOUNCE_COMMAND",
        "KEYMAP",
        "CONTEXTS",
    )
)


def load_configuration(environment: Mapping[str, str], paths: Paths) -> Configuration:
    """The settings of this user.

    Without a file the configuration is empty, unless the environment names one. Raises ConfigError.
    """
    path = settings_file(environment, paths)
    overridden = any(environment.get(name) for name in SETTING_VARIABLES)
    if not overridden:
        if not path.exists() and not environment.get(CONFIG_VARIABLE):
            return Configuration()
        if (known := _known_to_be_valid(path, paths)) is not None:
            return known
    return _validated(path, paths, remember=not overridden, may_be_absent=not environment.get(CONFIG_VARIABLE))


def _validated(path: Path, paths: Paths, *, remember: bool, may_be_absent: bool) -> Configuration:
    from mlops_tui.config.settings import read_settings, validate_settings

    if may_be_absent and not path.exists():
        return validate_settings("", path)
    configuration = read_settings(path)
    if remember:
        _remember(path, paths)
    return configuration


def _known_to_be_valid(path: Path, paths: Paths) -> Configuration | None:
    """The configuration of a file that has not changed since it was validated; None for any doubt."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if json.loads(_stamp_file(paths).read_text("utf-8")) == _stamp(path):
            return configuration_of(tomllib.loads(path.read_text("utf-8")), str(path))
    return None


def _remember(path: Path, paths: Paths) -> None:
    with suppress(OSError):
        private_folder(paths.cache)
        temporary = _stamp_file(paths).with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(_stamp(path)), "utf-8")
        temporary.replace(_stamp_file(paths))


def _stamp_file(paths: Paths) -> Path:
    return paths.cache / "settings-validated.json"


def _stamp(path: Path) -> dict[str, str | int]:
    file, folder = path.stat(), path.parent.stat()
    return {
        "version": __version__,
        "path": str(path),
        "changed": file.st_mtime_ns,
        "size": file.st_size,
        "inode": file.st_ino,
        "mode": file.st_mode,
        "folder_mode": folder.st_mode,
    }
