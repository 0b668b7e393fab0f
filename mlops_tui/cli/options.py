"""The options every command takes, before its noun or after it."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from mlops_tui.config.contexts import Choice
from mlops_tui.domain.errors import MlopsError

_Result = TypeVar("_Result")


class Format(StrEnum):
    """How data are written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What was said about the whole command.

    ``confirm`` is the name that a change in production asks for; ``timeout`` is in seconds. ``output`` is None until
    somebody says otherwise, which means a table.
    """

    context: str | None = None
    url: str | None = None
    projects: tuple[str, ...] = ()
    token_file: Path | None = None
    read_only: bool = False
    dry_run: bool = False
    yes: bool = False
    confirm: str | None = None
    timeout: float | None = None
    output: Format | None = None

    @property
    def format(self) -> Format:
        """How data are written."""
        return self.output or Format.TABLE

    @property
    def choice(self) -> Choice:
        """The part that picks the context."""
        return Choice(self.context, self.url, self.projects, self.read_only, self.timeout)

    def overridden_by(self, later: GlobalOptions) -> GlobalOptions:
        """These options with those that stand further right, which win where both say something."""
        return replace(
            self,
            context=later.context or self.context,
            url=later.url or self.url,
            projects=later.projects or self.projects,
            token_file=later.token_file or self.token_file,
            read_only=later.read_only or self.read_only,
            dry_run=later.dry_run or self.dry_run,
            yes=later.yes or self.yes,
            confirm=later.confirm if later.confirm is not None else self.confirm,
            timeout=later.timeout if later.timeout is not None else self.timeout,
            output=later.output or self.output,
        )


def _context_names(incomplete: str) -> list[str]:
    from mlops_tui.config.loading import load_configuration
    from mlops_tui.config.paths import Paths

    try:
        names = load_configuration(os.environ, Paths.of_user()).contexts
    except MlopsError:
        return []
    return [name for name in names if name.startswith(incomplete)]


_OPTIONS: dict[str, Any] = {
    "context": Annotated[
        str | None,
        typer.Option("--context", metavar="NAME", help="The context to use.", autocompletion=_context_names),
    ],
    "url": Annotated[str | None, typer.Option("--url", metavar="URL", help="The address of the GitLab instance.")],
    "projects": Annotated[
        list[str] | None,
        typer.Option("--project", metavar="PATH", help="A project, by full path or number; may be repeated."),
    ],
    "token_file": Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="A file that holds the token and nothing else.")
    ],
    "read_only": Annotated[bool, typer.Option("--read-only", help="Refuse every change.")],
    "dry_run": Annotated[bool, typer.Option("--dry-run", help="Show the calls of a change and send nothing.")],
    "yes": Annotated[bool, typer.Option("--yes", help="Make a change without being asked.")],
    "confirm": Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="The model's name, which production asks for.")
    ],
    "timeout": Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait for an answer.")
    ],
    "output": Annotated[Format | None, typer.Option("--output", "-o", help="How data are written.")],
}
_FLAGS = frozenset({"read_only", "dry_run", "yes"})
_INVOCATION = "invocation"


def takes_global_options(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command, or the callback of a group, every global option.

    The command has one parameter ``options: GlobalOptions``, which holds what was said anywhere on the line, and may
    have one ``invocation: typer.Context``. Its own options may not have the names of global ones.
    """
    own = [
        item
        for item in inspect.signature(command, eval_str=True).parameters.values()
        if item.name not in {"options", _INVOCATION}
    ]
    wants_invocation = _INVOCATION in inspect.signature(command).parameters

    @functools.wraps(command)
    def with_options(**values: Any) -> _Result:
        context: typer.Context = values.pop(_INVOCATION)
        given = {name: values.pop(name) for name in _OPTIONS}
        given["projects"] = tuple(given["projects"] or ())
        earlier = context.obj if isinstance(context.obj, GlobalOptions) else GlobalOptions()
        context.obj = earlier.overridden_by(GlobalOptions(**given))
        if wants_invocation:
            values[_INVOCATION] = context
        return command(**values, options=context.obj)

    parameters = [_keyword(_INVOCATION, typer.Context, inspect.Parameter.empty)]
    parameters += [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own]
    parameters += [_keyword(name, kind, False if name in _FLAGS else None) for name, kind in _OPTIONS.items()]
    vars(with_options)["__signature__"] = inspect.Signature(parameters)
    with_options.__annotations__ = {item.name: item.annotation for item in parameters}
    return with_options


def noun(name: str, description: str) -> typer.Typer:
    """Make the group of commands of one noun."""
    group = typer.Typer(
        name=name,
        help=description,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @group.callback(help=description)
    @takes_global_options
    def remember(options: GlobalOptions) -> None:
        """Keep the options that stand between the noun and the command."""

    return group


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
