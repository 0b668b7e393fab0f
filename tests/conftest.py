"""What every test stands on: a home of its own, no settings or tokens from outside, UTC, and repeatable randomness."""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import version

import pytest
from hypothesis import HealthCheck, settings

_SNAPSHOT_PYTHON = (3, 11)
_SNAPSHOT_TEXTUAL = "8.2.8"
_LONGEST_NAME = 200
_FOREIGN = ("GITLAB_", "CI_", "MLOPS_TUI_", "XDG_", "GLAB_", "MLFLOW_", "OTEL_")
_FOREIGN_NAMES = frozenset(
    {"CI", "PYTHON_GITLAB_CFG", "NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "GL_HOST", "OAUTH_TOKEN"}
    | {f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")}
)

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to rewrite snapshots where they would come out different."""
    wants_update = config.getoption("--snapshot-update", default=False)
    found = (sys.version_info[:2], version("textual"))
    if wants_update and found != (_SNAPSHOT_PYTHON, _SNAPSHOT_TEXTUAL):
        raise pytest.UsageError(
            f"Snapshots are made with Python {_SNAPSHOT_PYTHON} and Textual {_SNAPSHOT_TEXTUAL}, not with {found}"
        )


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long and binary cases by their length: a test's name is carried around, and must be the same everywhere.

    What was compressed holds the time of day, so that two workers would not agree on it.
    """
    if isinstance(val, bytes) or (isinstance(val, str) and len(val) > _LONGEST_NAME):
        return f"{argname} of {len(val)}"
    return None


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty home and none of the environment that decides about contexts and tokens."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name.upper() in _FOREIGN_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    time.tzset()
