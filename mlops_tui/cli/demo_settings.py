"""How other terminals reach an open demo: a settings file with its context, and where that is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_tui.config.paths import PRIVATE_FILE, Paths, private_folder
from mlops_tui.domain.canonical import digest


@contextmanager
def reachable(folder: Path, announced: Mapping[str, Any], role: str) -> Iterator[Path]:
    """Let the command line use the demo in ``folder`` as its user does, for as long as the block lasts.

    Gives the settings file, which ``MLOPS_TUI_CONFIG`` may name. The state folder names it for every demo that is open.
    """
    console = private_folder(folder / "console")
    config, token = console / "config.toml", console / "token"
    note = private_folder(Paths.of_user().demos) / f"{digest(str(folder))[:16]}.json"
    try:
        _write(token, announced["tokens"][role])
        _write(config, _settings(folder, token, announced))
        _write(note, json.dumps({"url": announced["url"], "config": str(config)}))
        yield config
    finally:
        for file in (note, config, token):
            file.unlink(missing_ok=True)


def _settings(folder: Path, token: Path, announced: Mapping[str, Any]) -> str:
    """The demo's context in TOML, whose strings are those of JSON."""
    projects = [project["path"] for project in announced["projects"]]
    return "\n".join(
        (
            'default_context = "demo"',
            "[contexts.demo]",
            f"url = {json.dumps(announced['url'])}",
            f"projects = {json.dumps(projects)}",
            f"token_file = {json.dumps(str(token))}",
            "[contexts.demo.traces]",
            f"data = {json.dumps(str(folder))}",
        )
    )


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "w", encoding="utf-8") as stream:
        stream.write(f"{text}\n")
