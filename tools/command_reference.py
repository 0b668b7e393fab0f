"""The commands and their options as Markdown, made from the command line itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from importlib.resources import files
from typing import Any

import typer
import typer.main

from mlops_tui.cli.main import make_app
from mlops_tui.cli.options import GlobalOptions, takes_global_options
from tools.schema_tables import item_table, table

# What each command writes with --output json, by the name of its schema; None where it writes no such data.
WRITES: dict[str, tuple[str, ...]] = {
    "demo": (),
    "doctor": ("doctor",),
    "runs list": ("runs",),
    "runs show": ("runs",),
    "runs history": ("runs-history",),
    "runs compare": ("runs-comparison",),
    "runs artifacts": ("runs-artifacts",),
    "models list": ("models",),
    "models show": ("models",),
    "models live": ("models",),
    "models card": ("preview", "receipt"),
    "models lineage": ("models",),
    "models promote": ("preview", "receipt"),
    "models rollback": ("preview", "receipt"),
    "models create-version": ("preview", "receipt"),
    "models delete": ("preview", "receipt"),
    "approvals list": ("approvals",),
    "approvals show": ("approvals",),
    "approvals approve": ("preview", "receipt"),
    "approvals reject": ("preview", "receipt"),
    "approvals comment": ("preview", "receipt"),
    "approvals request": ("preview", "receipt"),
    "rollouts list": ("rollouts",),
    "rollouts show": ("rollouts",),
    "rollouts start": ("preview", "receipt"),
    "rollouts advance": ("preview", "receipt"),
    "rollouts hold": ("preview", "receipt"),
    "rollouts resume": ("preview", "receipt"),
    "rollouts abort": ("preview", "receipt"),
    "rollouts watch": ("rollouts-watch",),
    "rollouts judge": ("rollout-verdicts",),
    "traces collect": (),
    "traces list": ("traces",),
    "traces show": ("traces-spans",),
    "traces stats": ("traces-stats",),
    "traces services": ("traces-services",),
    "traces export": (),
    "traces import": ("traces-import",),
    "drift profile": ("drift-profile", "preview", "receipt"),
    "drift analyze": ("drift",),
    "drift merge": ("drift",),
    "drift show": ("drift-status",),
    "drift backtest": ("drift-backtest",),
    "drift quality": ("drift-quality",),
    "alerts list": ("alerts",),
    "alerts check": ("alerts",),
    "alerts ack": ("preview", "receipt"),
    "alerts silence": ("preview", "receipt"),
    "alerts watch": ("alerts",),
    "retrain": ("retrain", "preview", "receipt"),
    "environments list": ("environments",),
    "environments show": ("environments",),
    "environments protect": ("preview", "receipt"),
    "environments stop": ("preview", "receipt"),
    "journal list": ("journal",),
    "journal show": ("journal-entries",),
    "journal verify": ("journal-report",),
    "journal export": ("journal-export",),
    "config init": (),
    "config check": (),
    "config path": ("paths",),
    "config schema": (),
    "config contexts": ("contexts",),
    "sandbox serve": (),
    "sandbox switch": ("sandbox-switches",),
}

_COMPLETION = ("install_completion", "show_completion")


def commands() -> dict[str, Any]:
    """Every command of the program by its words."""
    root: Any = typer.main.get_command(make_app())
    return dict(_commands(root, ""))


def _commands(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        whole = f"{words} {name}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole, command


def command_reference() -> str:
    """A section for each command: what it does, its arguments, and the options that are its own."""
    return "\n\n".join(_section(words, command) for words, command in commands().items())


def global_options() -> str:
    """The options that every command takes."""
    return _options([item for item in _global_command().params if item.name not in {"help", *_COMPLETION}])


def schema_reference() -> str:
    """A section for each schema: the fields of its items."""
    folder = files("mlops_tui.cli") / "schemas"
    sections = []
    for place in sorted(folder.iterdir(), key=lambda item: item.name):
        schema = json.loads(place.read_text("utf-8"))
        name = place.name.removesuffix(".schema.json")
        sections.append(f"### `mlops-tui/{name}/1`\n\n{schema['title']}.\n\n{item_table(schema)}")
    return "\n\n".join(sections)


def _global_command() -> Any:
    app = typer.Typer()

    @app.command()
    @takes_global_options
    def nothing(*, options: GlobalOptions) -> None:
        """Take the options and do nothing with them."""

    return typer.main.get_command(app)


def _section(words: str, command: Any) -> str:
    shared = {parameter.name for parameter in _global_command().params} | {"help"}
    own = [item for item in command.params if item.param_type_name == "option" and item.name not in shared]
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    usage = " ".join(["mlops-tui", words, *(_argument(item) for item in arguments)])
    parts = [f"### `{usage}`", _sentence(command.help)]
    described = [(f"`{_metavar(item)}`", _sentence(item.help)) for item in arguments if item.help]
    if described:
        parts.append(table(("argument", "meaning"), described))
    if own:
        parts.append(_options(own))
    if schemas := WRITES.get(words, ()):
        parts.append("JSON: " + ", ".join(f"[`{name}`](#mlops-tui{name}1)" for name in schemas) + ".")
    return "\n\n".join(parts)


def _options(options: list[Any]) -> str:
    return table(
        ("option", "meaning", "default"), [(_names(item), _sentence(item.help), _shown(item)) for item in options]
    )


def _names(option: Any) -> str:
    spellings = [*option.opts, *option.secondary_opts]
    value = "" if option.is_flag else f" {_metavar(option)}"
    return ", ".join(f"`{name}{value}`" if name.startswith("--") else f"`{name}`" for name in spellings)


def _metavar(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(choice.value) for choice in kind)
    return str(parameter.name).upper()


def _argument(argument: Any) -> str:
    name = _metavar(argument)
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _shown(option: Any) -> str:
    if option.required:
        return "required"
    default = getattr(option.default, "value", option.default)
    if default is None or default is False or default == "" or callable(default):
        return ""
    if default is True and option.secondary_opts:
        return f"`{option.opts[0]}`"
    return f"`{default}`"


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())
