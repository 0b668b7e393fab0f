"""The token that opens a source of traces: out of a file, of a program, or of one variable of the environment."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_tui.config.tokens import checked_token, token_of_command, token_of_file
from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.trace_sources import TraceSource


def trace_token(source: TraceSource, environment: Mapping[str, str]) -> Secret | None:
    """The token of a source, None where it names none.

    Runs its ``token_command``. Raises ConfigError when what it names gives no token.
    """
    if source.token_file is not None:
        return token_of_file(source.token_file, "token_file of the traces")
    if source.token_command:
        return token_of_command(source.token_command, "token_command of the traces")
    if source.token_variable is not None:
        if not environment.get(source.token_variable):
            raise ConfigError(
                "There is no token for the traces",
                why=f"the variable {source.token_variable} is not set",
                remedy="Set it, or change token_variable",
            )
        return checked_token(environment[source.token_variable], source.token_variable)
    return None
