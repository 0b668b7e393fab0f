from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_tui.config.configuration import Configuration
from mlops_tui.config.loading import SETTING_VARIABLES, load_configuration
from mlops_tui.config.paths import Paths
from mlops_tui.config.settings import Settings
from mlops_tui.domain.errors import ConfigError
from tests.config.files import WORK, write

PROBE = """
import os, sys
from mlops_tui.config.loading import load_configuration
from mlops_tui.config.paths import Paths
print(load_configuration(os.environ, Paths.of_user()).default_context, "pydantic" in sys.modules)
"""


def settings_path() -> Path:
    return Paths.of_user().config / "config.toml"


def load() -> Configuration:
    return load_configuration(os.environ, Paths.of_user())


def test_without_a_file_there_are_no_contexts() -> None:
    assert load() == Configuration()


def test_a_named_file_has_to_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLOPS_TUI_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        load()


def test_a_file_found_valid_is_read_without_pydantic_and_gives_the_same() -> None:
    write(settings_path(), WORK + 'kind = "production"\ntoken_file = "~/t"\n')
    first = load()
    assert load() == first
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["work", "False"]


def test_a_change_is_validated_before_it_is_believed() -> None:
    path = write(settings_path(), WORK)
    load()
    write(path, WORK.replace("projects", "projetcs"))
    with pytest.raises(ConfigError, match="Did you mean projects"):
        load()


def test_a_mode_that_opens_the_file_is_noticed_on_the_quick_way_too() -> None:
    path = write(settings_path(), WORK + 'token_file = "t"\n')
    load()
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load()


def test_the_environment_is_never_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings_path(), 'theme = "dark"\n' + WORK)
    load()
    monkeypatch.setenv("MLOPS_TUI_THEME", "light")
    assert load().preferences.theme == "light"


def test_a_broken_stamp_only_costs_time() -> None:
    write(settings_path(), WORK)
    first = load()
    write(Paths.of_user().cache / "settings-validated.json", "[")
    assert load() == first


def test_every_setting_has_its_variable() -> None:
    assert set(SETTING_VARIABLES) == {f"MLOPS_TUI_{name.upper()}" for name in Settings.model_fields}


def test_one_variable_moves_everything_but_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = Paths.of_user()
    monkeypatch.setenv("MLOPS_TUI_HOME", str(tmp_path))
    moved = Paths.of_user()
    assert moved.config == before.config
    assert all(folder.is_relative_to(tmp_path) for folder in (moved.cache, moved.state, moved.data))
