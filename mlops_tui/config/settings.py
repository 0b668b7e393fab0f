"""The settings file: what may stand in it, and its validation.

The file is TOML. A variable of the environment (``MLOPS_TUI_THEME``) goes before the file, a flag before both. The
descriptions below are the reference: ``config schema`` and the user's documentation are made from them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from mlops_tui.config.addresses import checked_address
from mlops_tui.config.alert_settings import AlertSettings
from mlops_tui.config.configuration import Configuration, configuration_of
from mlops_tui.config.permissions import require_private, require_private_folder, require_unshared
from mlops_tui.config.toml_lines import line_of, parse_toml
from mlops_tui.config.trace_settings import TraceSettings
from mlops_tui.config.validation import nearest, problems
from mlops_tui.domain.errors import ConfigError

_LARGEST = 1_048_576
_PROJECT = re.compile(r"\d+|[\w.-]+(?:/[\w.-]+)+")
_GROUP = re.compile(r"\d+|[\w.-]+(?:/[\w.-]+)*")
_PREFIX = "MLOPS_TUI_"


def _checked_proxy(url: str) -> str:
    if urlsplit(url).scheme not in {"http", "https", "socks5"} or not urlsplit(url).hostname:
        message = "A proxy is an address such as http://proxy.example.com:3128"
        raise ValueError(message)
    return url


def _checked_project(path: str) -> str:
    if not _PROJECT.fullmatch(path):
        message = "A project is its full path (group/project) or its number"
        raise ValueError(message)
    return path


def _checked_group(path: str) -> str:
    if not _GROUP.fullmatch(path):
        message = "A group is its full path (group/subgroup) or its number"
        raise ValueError(message)
    return path


class ContextSettings(BaseModel):
    """One GitLab instance and the projects in it that belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    url: Annotated[str, AfterValidator(checked_address)]
    """The address of the instance, with its path where GitLab lives under one: https://example.com/gitlab."""
    projects: list[Annotated[str, AfterValidator(_checked_project)]] = []
    """Projects to show, each by its full path or number."""
    groups: list[Annotated[str, AfterValidator(_checked_group)]] = []
    """Groups whose projects are shown, including those of their subgroups."""
    kind: Literal["production", "other"] = "other"
    """With "production" every environment is treated as production: changes need the model's name typed."""
    read_only: bool = False
    """Refuse every change, whatever the token would allow."""
    ca_bundle: str | None = None
    """A PEM file with the certificates to trust instead of the system's."""
    proxy: Annotated[str, AfterValidator(_checked_proxy)] | None = None
    """The proxy for this instance; without it HTTPS_PROXY and NO_PROXY of the environment count."""
    poll_interval: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = 10.0
    """Seconds between two refreshes of the view on screen."""
    timeout: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 30.0
    """Seconds to wait for an answer of the instance."""
    theme: str | None = None
    """The theme of this context, so that production can look different."""
    token_file: Annotated[str, Field(min_length=1)] | None = None
    """A file whose only content is the token; nobody but you may read it."""
    token_command: Annotated[list[str], Field(min_length=1)] | None = None
    """A program and its arguments that print the token, run without a shell: ["pass", "show", "gitlab"]."""
    traces: TraceSettings | None = None
    """Where the inference traces are; without it in this user's own store."""
    alerts: AlertSettings | None = None
    """How alerts are told besides issues."""

    @model_validator(mode="after")
    def _require_traced_project(self) -> Self:
        if self.traces is not None and self.traces.kind == "gitlab" and not self.traces.url and not self.projects:
            message = 'Traces of kind "gitlab" need a url, or projects of which the first is asked'
            raise ValueError(message)
        return self


class Settings(BaseSettings):
    """The whole settings file."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        title="Settings of mlops-tui",
    )

    default_context: str | None = None
    """The context to use when none is named; not needed when there is only one."""
    theme: str | None = None
    """The theme of the dashboard; without it the terminal decides."""
    low_bandwidth: bool = False
    """Send less to the terminal: plots redraw once a minute and colours are the terminal's own sixteen."""
    mouse: bool = True
    """Let the mouse click and scroll; turn it off to select text with the terminal."""
    clipboard: Literal["auto", "osc52", "off"] = "auto"
    """How `y` copies: "osc52" always asks the terminal, "off" shows the text to copy by hand."""
    announce: Literal["off", "bell", "osc9", "osc777"] = "bell"
    """How the terminal is told that something new waits for you."""
    announce_command: list[str] = []
    """A program and its arguments that is told so too, run without a shell: ["notify-send", "GitLab"]."""
    keymap: dict[str, str | list[str]] = {}
    """Keys of actions: the id of an action in quotes, and its keys as a list or as one text with commas."""
    contexts: dict[str, ContextSettings] = {}
    """The instances, each under a name of your choice."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no file of the working folder is ever read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before the file, whose content arrives as the arguments."""
        return env_settings, init_settings


def read_settings(path: Path) -> Configuration:
    """Read and validate a settings file together with the environment.

    Raises ConfigError with the file, the key and, where it can be found, the line of the first problem.
    """
    return validate_settings(read_text(path), path)


def validate_settings(text: str, path: Path) -> Configuration:
    """Validate the text of a settings file, which was read from ``path``. Raises ConfigError for the first problem."""
    document = parse_toml(text, str(path))
    found = find_problems(text, document, path)
    if found:
        raise found[0]
    settings = Settings(**document)
    configuration = configuration_of(settings.model_dump(exclude_unset=True), str(path))
    _require_default(configuration, text)
    if path.exists():
        _require_permissions(path, document)
    return configuration


def find_problems(text: str, document: dict[str, Any], path: Path) -> list[ConfigError]:
    """Every problem of a document that TOML itself does not see."""
    known = list(Settings.model_fields)
    unknown = [key for key in document if key not in known]
    found = [
        ConfigError(
            "Unknown key",
            remedy=nearest(key, known) or f"Known here: {', '.join(known)}",
            source=str(path),
            key=key,
            line=line_of(text, (key,)),
        )
        for key in unknown
    ]
    try:
        Settings(**{key: value for key, value in document.items() if key in known})
    except ValidationError as error:
        found += [_blamed(problem, document) for problem in problems(error, Settings, str(path), _Lines(text))]
    except SettingsError as error:
        found.append(ConfigError("A variable of the environment cannot be read", why=str(error), source="environment"))
    return found


def read_text(path: Path) -> str:
    """The text of a settings file. Raises ConfigError when it is missing, unreadable, too large or no UTF-8."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "The settings file cannot be read",
            why=error.strerror or str(error),
            remedy="Make one with mlops-tui config init",
            source=str(path),
        ) from None
    if len(content) > _LARGEST:
        raise ConfigError("The settings file is too large", why="it may hold 1 MiB", source=str(path))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("The settings file is no UTF-8 text", source=str(path), line=line) from None


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, location: tuple[str | int, ...]) -> int | None:
        return line_of(self._text, location)


def _blamed(problem: ConfigError, document: dict[str, Any]) -> ConfigError:
    """Name the variable instead of the file where the bad value came from the environment."""
    name = problem.key.split(".")[0].split("[")[0]
    if name in document or problem.line is not None:
        return problem
    return ConfigError(problem.what, why=problem.why, remedy=problem.remedy, source=f"{_PREFIX}{name.upper()}")


def _require_default(configuration: Configuration, text: str) -> None:
    default = configuration.default_context
    if default is not None and default not in configuration.contexts:
        known = list(configuration.contexts)
        raise ConfigError(
            f"There is no context {default!r}",
            remedy=nearest(default, known) or f"Add a table [contexts.{default}]",
            source=configuration.source,
            key="default_context",
            line=line_of(text, ("default_context",)),
        )


def _require_permissions(path: Path, document: dict[str, Any]) -> None:
    if any(_is_delicate(table) for table in document.get("contexts", {}).values()):
        require_private(path, "The settings file")
        if path.parent.name == "mlops-tui":
            require_private_folder(path.parent)
    else:
        require_unshared(path, "The settings file")


_DELICATE = ("token_file", "token_command", "key_file", "key_command", "command")


def _is_delicate(table: dict[str, Any]) -> bool:
    proxy = urlsplit(table.get("proxy") or "")
    tables = (table, table.get("traces") or {}, table.get("alerts") or {})
    return bool(proxy.password) or any(part.get(name) for part in tables for name in _DELICATE)
