"""``mlops-tui config``: make, check and show the settings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, print_listing, write_line
from mlops_tui.cli.tables import Column
from mlops_tui.config.configuration import Configuration, ConfiguredContext
from mlops_tui.config.contexts import choose_context
from mlops_tui.config.loading import load_configuration
from mlops_tui.config.paths import PRIVATE_FILE, Paths, private_folder, settings_file
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import ConfigError, ExitCode, MlopsError, RefusedError, UsageError

app = noun("config", "The settings file and the contexts in it.")

_TEMPLATE = Path(__file__).parent / "templates" / "config.toml"
_SCHEMAS = Path(__file__).parent / "schemas"
_SCHEMA_SUFFIX = ".schema.json"
_CONTEXTS = (
    Column("name", "name"),
    Column("current", "current"),
    Column("url", "url"),
    Column("kind", "kind"),
    Column("read only", "read_only"),
    Column("projects", "projects"),
    Column("groups", "groups"),
)
_PATHS = (Column("what", "what"), Column("path", "path"), Column("exists", "exists"))


@app.command()
@takes_global_options
def init(*, options: GlobalOptions) -> None:  # noqa: ARG001 - every command takes the same options
    """Write a commented settings file, readable by you only. An existing file is left alone."""
    path = settings_file(os.environ, Paths.of_user())
    private_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        raise RefusedError(
            "The settings file was not written", why=f"{path} exists already", remedy="Edit it, or move it away first"
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(_TEMPLATE.read_bytes())
    write_line(str(path))


@app.command()
@takes_global_options
def check(
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Check this policy file (.gitlab/mlops.yml) instead."),
    ] = None,
    *,
    options: GlobalOptions,  # noqa: ARG001 - every command takes the same options
) -> None:
    """Check the settings file, or a policy file, and name every problem with its line."""
    path = policy or settings_file(os.environ, Paths.of_user())
    found, doubts = _policy_problems(path) if policy is not None else (_settings_problems(path), [])
    for problem in found:
        tell(str(problem))
    for doubt in doubts:
        tell(f"Warning: {doubt}")
    if found:
        raise typer.Exit(ExitCode.USAGE)
    tell(f"{path} is valid.")


@app.command()
@takes_global_options
def path(*, options: GlobalOptions) -> None:
    """Print the path of the settings file; with --output json those of all our folders."""
    paths = Paths.of_user()
    settings = settings_file(os.environ, paths)
    if options.output is None:
        write_line(str(settings))
        return
    places = {"settings": settings, "cache": paths.cache, "state": paths.state, "data": paths.data}
    items = [{"what": what, "path": str(place), "exists": place.exists()} for what, place in places.items()]
    print_listing(Listing("paths", _PATHS, items, SystemClock().now(), "this machine"), options.format)


@app.command()
@takes_global_options
def schema(
    policy: Annotated[bool, typer.Option("--policy", help="The schema of the policy file instead.")] = False,
    output_of: Annotated[
        str | None,
        typer.Option("--output-of", metavar="NOUN", help="The schema of what a noun writes as JSON instead."),
    ] = None,
    *,
    options: GlobalOptions,  # noqa: ARG001 - every command takes the same options
) -> None:
    """Print the JSON Schema of the settings file, for editors and for reading."""
    if output_of is not None:
        write_line(_output_schema(output_of))
    elif policy:
        from mlops_tui.config.policy import policy_json_schema

        write_line(policy_json_schema().rstrip())
    else:
        from mlops_tui.config.settings import Settings

        write_line(json.dumps(Settings.model_json_schema(), indent=2, ensure_ascii=False))


@app.command()
@takes_global_options
def contexts(*, options: GlobalOptions) -> None:
    """List the contexts of the settings file."""
    configuration = load_configuration(os.environ, Paths.of_user())
    current = _current(configuration, options)
    items = [_item(item, current) for item in configuration.contexts.values()]
    source = configuration.source or "no settings file"
    print_listing(Listing("contexts", _CONTEXTS, items, SystemClock().now(), source), options.format)
    if not items and options.format is Format.TABLE:
        tell("There is no context yet. Write one with mlops-tui config init.")


def _output_schema(wanted: str) -> str:
    known = {path.name.removesuffix(_SCHEMA_SUFFIX): path for path in sorted(_SCHEMAS.glob(f"*{_SCHEMA_SUFFIX}"))}
    if wanted not in known:
        raise UsageError(f"No output is called {wanted!r}", remedy=f"Known: {', '.join(known)}")
    return known[wanted].read_text("utf-8").rstrip()


def _current(configuration: Configuration, options: GlobalOptions) -> str | None:
    try:
        return choose_context(configuration, options.choice, os.environ).context.name
    except MlopsError:
        return None


def _item(configured: ConfiguredContext, current: str | None) -> dict[str, object]:
    context = configured.context
    return {
        "name": context.name,
        "current": context.name == current,
        "url": context.url,
        "kind": context.kind,
        "read_only": context.is_read_only,
        "projects": context.projects,
        "groups": context.groups,
        "token": "file" if configured.token_file else "command" if configured.token_command else None,
    }


def _settings_problems(path: Path) -> list[MlopsError]:
    from mlops_tui.config.settings import find_problems, read_text, validate_settings
    from mlops_tui.config.toml_lines import parse_toml

    try:
        text = read_text(path)
        if found := find_problems(text, parse_toml(text, str(path)), path):
            return list(found)
        validate_settings(text, path)
    except ConfigError as error:
        return [error]
    return []


def _policy_problems(path: Path) -> tuple[list[ConfigError], list[ConfigError]]:
    """What is wrong with a policy file, and what is doubtful in it."""
    from mlops_tui.config.policy import find_policy_doubts, find_policy_problems
    from mlops_tui.config.yaml_document import read_yaml

    try:
        document = read_yaml(path.read_bytes().decode("utf-8"), str(path))
        found = find_policy_problems(document, str(path))
        return (found, []) if found else find_policy_doubts(document, str(path))
    except OSError as error:
        return [ConfigError("The policy file cannot be read", why=error.strerror or "", source=str(path))], []
    except UnicodeDecodeError:
        return [ConfigError("The policy file is no UTF-8 text", source=str(path))], []
    except ConfigError as error:
        return [error], []
