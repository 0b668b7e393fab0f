"""Where files are kept: one folder each for settings, cache, state and data, readable by their owner only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APPLICATION = "mlops-tui"
CONFIG_VARIABLE = "MLOPS_TUI_CONFIG"
HOME_VARIABLE = "MLOPS_TUI_HOME"
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user; none is made before ``private_folder`` is called on it.

    ``cache`` may be deleted at any time, ``state`` holds logs, ``data`` holds the journal.
    """

    config: Path
    cache: Path
    state: Path
    data: Path

    @classmethod
    def of_user(cls) -> Paths:
        """The folders the platform names for this user (XDG on Linux).

        ``MLOPS_TUI_HOME`` moves cache, state and data under one folder of its own; the settings stay where they are.
        """
        folders = platformdirs.PlatformDirs(APPLICATION, appauthor=False)
        if home := os.environ.get(HOME_VARIABLE):
            root = Path(home).expanduser().absolute()
            return cls(folders.user_config_path, root / "cache", root / "state", root / "data")
        return cls(
            config=folders.user_config_path,
            cache=folders.user_cache_path,
            state=folders.user_state_path,
            data=folders.user_data_path,
        )

    @property
    def journal_file(self) -> Path:
        """Where the journal of actions is kept."""
        return self.data / "journal.db"

    @property
    def demos(self) -> Path:
        """Where each open demo has a file that says at which address its sandbox is; gone once it is left."""
        return self.state / "demos"

    @property
    def log_file(self) -> Path:
        """Where tracebacks and other details for the developers go."""
        return self.state / "mlops-tui.log"


def settings_file(environment: Mapping[str, str], paths: Paths) -> Path:
    """The settings file: what ``MLOPS_TUI_CONFIG`` names, else ``config.toml`` in the config folder."""
    named = environment.get(CONFIG_VARIABLE)
    return Path(named).expanduser() if named else paths.config / "config.toml"


def private_folder(folder: Path) -> Path:
    """Make ``folder`` where it is missing, for its owner only, and return it.

    A folder that exists keeps its mode: whoever opened it may have had a reason, and ``permissions`` reports it.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return folder
