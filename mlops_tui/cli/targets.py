"""From what was said on the command line to a context and the token that opens it; needs neither typer nor httpx."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlops_tui.cli.errors import tell
from mlops_tui.config.contexts import Choice, choose_context
from mlops_tui.config.credentials import Surroundings, find_credential
from mlops_tui.config.loading import load_configuration
from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential


@dataclass(frozen=True, slots=True)
class Target:
    """The context of a command and the token that opens it."""

    context: Context
    credential: FoundCredential


def find_target(choice: Choice, token_file: Path | None) -> Target:
    """Choose the context and find its token. Raises ConfigError or UsageError."""
    chosen = choose_context(load_configuration(os.environ, Paths.of_user()), choice, os.environ)
    return Target(chosen.context, find_credential(chosen, token_file, Surroundings(os.environ, Path.home(), tell)))
