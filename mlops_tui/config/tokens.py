"""Tokens out of files and programs; whatever goes wrong, what was found is never repeated."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlops_tui.config.permissions import require_private
from mlops_tui.domain.alert_channels import AlertChannels
from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import ConfigError

_LONGEST = 16_384
_COMMAND_TIMEOUT = 60.0


def token_of_file(path: Path, source: str) -> Secret:
    """The token that is a file's whole content; ``source`` says for people who named the file.

    Raises ConfigError when others may read it or when it holds no token.
    """
    try:
        require_private(path, "The token file")
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(
            "The token file cannot be read", why=error.strerror or "", remedy=f"Check {source}", source=str(path)
        ) from None
    return checked_token(_decoded(content, str(path)), f"{source} ({path})")


def token_of_command(words: tuple[str, ...], source: str) -> Secret:
    """The token that a program prints, run without a shell; ``source`` says for people who named it.

    Raises ConfigError when it fails, takes too long or prints something else.
    """
    program = str(Path(words[0]).expanduser()) if words[0].startswith("~") else words[0]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, from a file only they can write, without a shell
            (program, *words[1:]), stdout=subprocess.PIPE, timeout=_COMMAND_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise _command_failed(source, f"{program} gave no answer within {_COMMAND_TIMEOUT:.0f} s") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _command_failed(source, f"{program} cannot be started ({reason})") from None
    if done.returncode != 0:
        raise _command_failed(source, f"{program} ended with status {done.returncode}")
    return checked_token(_decoded(done.stdout, source), source)


def endpoint_key(channels: AlertChannels, environ: Mapping[str, str]) -> Secret:
    """The authorization key of GitLab's endpoint for alerts. Raises ConfigError when it cannot be had."""
    if channels.key_file is not None:
        return token_of_file(channels.key_file, "key_file")
    if channels.key_command:
        return token_of_command(channels.key_command, "key_command")
    if channels.key_variable is not None:
        return checked_token(environ.get(channels.key_variable, ""), channels.key_variable)
    raise ConfigError(
        "There is no authorization key for GitLab's endpoint for alerts",
        remedy="Set alerts.key_file, alerts.key_command or alerts.key_variable in the context",
    )


def checked_token(token: str, source: str) -> Secret:
    """Let nothing pass that could not stand in a header. Raises ConfigError, never repeating what was found."""
    stripped = token.strip()
    if not stripped:
        raise _no_token(source, "it is empty")
    if len(stripped) > _LONGEST:
        raise _no_token(source, "it is too long")
    if not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise _no_token(source, "it holds more than one word, or characters that no token has")
    return Secret(stripped)


def _command_failed(source: str, why: str) -> ConfigError:
    return ConfigError("The token command gave no token", why=why, remedy="Try it in a shell", source=source)


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise _no_token(source, "it holds characters that no token has") from None


def _no_token(source: str, why: str) -> ConfigError:
    return ConfigError("This is no token", why=why, remedy="It is one word, such as glpat-…", source=source)
