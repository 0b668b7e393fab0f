"""Which context counts: what the command line names, then the environment, then the settings' default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from mlops_tui.config.configuration import Configuration, ConfiguredContext, instance_address
from mlops_tui.domain.contexts import Context, ContextKind, origin_of
from mlops_tui.domain.errors import ConfigError, UsageError

_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said about the context for this one session; ``timeout`` is in seconds."""

    context: str | None = None
    url: str | None = None
    projects: tuple[str, ...] = ()
    is_read_only: bool = False
    timeout: float | None = None

    def or_environment(self, environment: Mapping[str, str]) -> Choice:
        """Fill what was not said from ``MLOPS_TUI_CONTEXT``, ``_URL``, ``_PROJECT`` (commas) and ``_READ_ONLY``."""
        projects = (part.strip() for part in environment.get("MLOPS_TUI_PROJECT", "").split(","))
        names_instance = self.context or self.url
        return replace(
            self,
            context=self.context or (None if names_instance else environment.get("MLOPS_TUI_CONTEXT") or None),
            url=self.url or (None if names_instance else environment.get("MLOPS_TUI_URL") or None),
            projects=self.projects or tuple(part for part in projects if part),
            is_read_only=self.is_read_only or environment.get("MLOPS_TUI_READ_ONLY", "").lower() in _TRUE,
        )


def choose_context(configuration: Configuration, choice: Choice, environment: Mapping[str, str]) -> ConfiguredContext:
    """The one context of this session.

    An address without a name takes over what the settings say about that address, and is treated as production or
    read-only as soon as one of them is. Raises ConfigError or UsageError when nothing, or nothing clear, was named.
    """
    said = choice.or_environment(environment)
    chosen = _named(configuration, said) or _in_ci(configuration, environment) or _default(configuration, environment)
    context = chosen.context
    return replace(
        chosen,
        context=replace(
            context,
            projects=said.projects or context.projects,
            groups=() if said.projects else context.groups,
            is_read_only=said.is_read_only or context.is_read_only,
            timeout=said.timeout or context.timeout,
        ),
    )


def _named(configuration: Configuration, said: Choice) -> ConfiguredContext | None:
    if said.context is not None:
        chosen = _by_name(configuration, said.context)
        if said.url is not None and _address(said.url) != chosen.context.url:
            raise UsageError(
                "--context and --url name two instances",
                why=f"the context {said.context} is {chosen.context.url}",
                remedy="Leave one of them out",
            )
        return chosen
    return _by_address(configuration, said.url) if said.url is not None else None


def _by_name(configuration: Configuration, name: str) -> ConfiguredContext:
    chosen = configuration.contexts.get(name)
    if chosen is None:
        known = list(configuration.contexts)
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean {near[0]}" if near else f"Known: {', '.join(known)}" if known else _NO_CONTEXT_REMEDY
        raise ConfigError(f"There is no context {name!r}", remedy=remedy, source=configuration.source)
    return chosen


def _by_address(configuration: Configuration, url: str) -> ConfiguredContext:
    address = _address(url)
    same = [item for item in configuration.contexts.values() if item.context.url == address]
    if not same:
        return ConfiguredContext(Context(name=urlsplit(address).netloc, url=address))
    chosen = next((item for item in same if item.context.name == configuration.default_context), same[0])
    is_production = any(item.context.kind is ContextKind.PRODUCTION for item in same)
    context = replace(
        chosen.context,
        kind=ContextKind.PRODUCTION if is_production else chosen.context.kind,
        is_read_only=any(item.context.is_read_only for item in same),
    )
    return replace(chosen, context=context)


def _in_ci(configuration: Configuration, environment: Mapping[str, str]) -> ConfiguredContext | None:
    url = environment.get("CI_SERVER_URL")
    if environment.get("GITLAB_CI", "").lower() not in _TRUE or not url:
        return None
    chosen = _by_address(configuration, url)
    project = environment.get("CI_PROJECT_PATH")
    if project and not chosen.context.projects and not chosen.context.groups:
        return replace(chosen, context=replace(chosen.context, projects=(project,)))
    return chosen


_NO_CONTEXT_REMEDY = "Name one with --url, write one with mlops-tui config init, or try mlops-tui demo"


def _default(configuration: Configuration, environment: Mapping[str, str]) -> ConfiguredContext:
    if configuration.default_context is not None:
        return _by_name(configuration, configuration.default_context)
    contexts = list(configuration.contexts.values())
    if len(contexts) == 1:
        return contexts[0]
    if contexts:
        raise ConfigError(
            "Several contexts and no default",
            why=f"there are {', '.join(configuration.contexts)}",
            remedy="Name one with --context or set default_context",
            source=configuration.source,
        )
    host = environment.get("GITLAB_HOST") or environment.get("GITLAB_URL")
    if host:
        return _by_address(configuration, host)
    raise ConfigError("There is no context yet", remedy=_NO_CONTEXT_REMEDY)


def _address(url: str) -> str:
    """The address of an instance. Raises UsageError, never repeating a password that may stand in it."""
    address = instance_address(url.strip())
    parts = urlsplit(address)
    try:
        origin_of(address)
    except ValueError as error:
        raise UsageError("This is no address of a GitLab instance", why=str(error)) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "This is no address of a GitLab instance",
            why="it holds a user name, a password, a ? or a #",
            remedy="Give the token by --token-file",
        )
    return address
