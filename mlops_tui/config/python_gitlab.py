"""Tokens that python-gitlab's own configuration holds, read by its own reader (helpers included)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlops_tui.domain.contexts import origin_of
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.errors import ConfigError

_SYSTEM_FILE = Path("/etc/python-gitlab.cfg")


def python_gitlab_credential(origin: str, environment: Mapping[str, str], home: Path) -> FoundCredential | None:
    """The token of the section whose ``url`` is at ``origin``, or None.

    ``PYTHON_GITLAB_CFG`` names the only file; without it the system's and the user's are read, the user's winning.
    A ``helper:`` is run for that section alone. Raises ConfigError when the file or the helper is broken.
    """
    files = _files(environment, home)
    section = _section(files, origin) if files else None
    return _read(files, section) if section is not None else None


def _files(environment: Mapping[str, str], home: Path) -> list[Path]:
    if named := environment.get("PYTHON_GITLAB_CFG"):
        path = Path(named)
        if not path.is_file():
            raise ConfigError(
                "python-gitlab's configuration is missing",
                remedy="Mend or unset PYTHON_GITLAB_CFG",
                source=named,
            )
        return [path]
    return [path for path in (_SYSTEM_FILE, home / ".python-gitlab.cfg") if path.is_file()]


def _section(files: list[Path], origin: str) -> str | None:
    """The section for ``origin``; the one that ``[global] default`` names goes first where several fit."""
    import configparser

    parser = configparser.ConfigParser()
    try:
        parser.read(files, encoding="utf-8")
        preferred = parser.get("global", "default", fallback="")
        fitting = [name for name in parser.sections() if _fits(parser.get(name, "url", fallback=""), origin)]
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise _broken(files, type(error).__name__) from None
    return preferred if preferred in fitting else next(iter(fitting), None)


def _read(files: list[Path], section: str) -> FoundCredential | None:
    import configparser

    from gitlab.config import ConfigError as ReaderError
    from gitlab.config import GitlabConfigParser

    try:
        found = GitlabConfigParser(gitlab_id=section, config_files=[str(path) for path in files])
    except (ReaderError, configparser.Error, OSError, ValueError) as error:
        raise _broken(files, f"section {section}: {type(error).__name__}") from None
    tokens = (
        (TokenKind.PERSONAL, found.private_token),
        (TokenKind.OAUTH, found.oauth_token),
        (TokenKind.JOB, found.job_token),
    )
    for kind, token in tokens:
        if token:
            return FoundCredential(kind, Secret(token.strip()), f"{files[-1]} [{section}]")
    return None


def _fits(url: str, origin: str) -> bool:
    try:
        return bool(url) and origin_of(url) == origin
    except ValueError:
        return False


def _broken(files: list[Path], why: str) -> ConfigError:
    return ConfigError(
        "python-gitlab's configuration cannot be used",
        why=why,
        remedy="Try it with the command gitlab, or name a token with --token-file",
        source=str(files[-1]),
    )
