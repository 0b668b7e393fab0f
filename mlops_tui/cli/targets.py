"""From what was said on the command line to a context and the token that opens it; needs neither typer nor httpx."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlops_tui.cli.errors import tell as tell_on_stderr
from mlops_tui.config.configuration import Configuration
from mlops_tui.config.contexts import Choice, choose_context
from mlops_tui.config.credentials import Surroundings, find_credential
from mlops_tui.config.loading import load_configuration
from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential
from mlops_tui.domain.trace_sources import TraceSource


@dataclass(frozen=True, slots=True)
class Target:
    """The context of a command and the token that opens it."""

    context: Context
    credential: FoundCredential


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings, from which targets are picked."""

    configuration: Configuration

    @classmethod
    def load(cls) -> Self:
        """Read the settings of this user and environment. Raises ConfigError."""
        return cls(load_configuration(os.environ, Paths.of_user()))

    def target(self, choice: Choice, token_file: Path | None, tell: Callable[[str], None] = tell_on_stderr) -> Target:
        """Choose a context and find its token. Raises ConfigError or UsageError."""
        chosen = choose_context(self.configuration, choice, os.environ)
        return Target(chosen.context, find_credential(chosen, token_file, Surroundings(os.environ, Path.home(), tell)))

    def traces(self, choice: Choice) -> TraceSource | None:
        """Where the traces of the chosen context are; None for this user's own store.

        Where no context keeps its traces elsewhere, none has to be chosen. Raises ConfigError or UsageError.
        """
        contexts = self.configuration.contexts.values()
        if choice.context is None and choice.url is None and all(item.context.traces is None for item in contexts):
            return None
        return choose_context(self.configuration, choice, os.environ).context.traces

    def text(self) -> str:
        """The text of the settings file, empty where there is none."""
        source = self.configuration.source
        return Path(source).read_text("utf-8") if source and Path(source).exists() else ""
