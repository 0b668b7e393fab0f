"""The root of the command line.

A noun is a module of this package with a group ``app`` and a function per command. All of them look alike::

    app = noun("runs", "Training runs.")

    @app.command("list")
    @takes_global_options
    def list_runs(
        experiment: Annotated[str | None, typer.Option(help="Only this experiment.")] = None,
        *,
        options: GlobalOptions,
    ) -> None:
        \"\"\"List the runs of the context's projects.\"\"\"
        from mlops_tui.operations import runs

        snapshot = ask(options, lambda session: runs.list_runs(session, experiment))
        print_snapshot(snapshot, "runs", COLUMNS, map(item, snapshot.data), options.format)

``options`` holds the global options from anywhere on the line. ``ask`` opens the context, runs one coroutine and closes
it. What a command needs beyond typer it imports inside its function, so that ``mlops-tui config path`` does not pay for
the HTTP client. A command that changes something makes its action inside ``ask`` and hands it to ``carry_out`` of
``cli.actions``, which previews, asks, runs and prints the receipt. Errors are raised, never printed; ``cli.errors``
turns them into a message and an exit status. The JSON that a noun writes has its schema in ``cli/schemas``. A new noun
is added to ``_NOUNS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated

import typer

from mlops_tui import __version__
from mlops_tui.cli.options import GlobalOptions, takes_global_options

_NOUNS = (
    "runs", "models", "approvals", "environments", "rollouts", "traces", "drift", "alerts", "journal", "config",
    "sandbox",
)  # fmt: skip
_COMMANDS = ("demo", "doctor", "retrain")


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Put the command line together.

    Of the nouns and commands only those are imported that the arguments name, so that none pays for another; where
    they name none, as for help or a slip of the pen, all are there.
    """
    named = {*_NOUNS, *_COMMANDS}.intersection(arguments) or {*_NOUNS, *_COMMANDS}
    app = typer.Typer(
        name="mlops-tui",
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help="The machine-learning lifecycle on GitLab, from one terminal.")(_open_without_command)
    for name in filter(named.__contains__, _NOUNS):
        app.add_typer(importlib.import_module(f"mlops_tui.cli.{name}").app)
    for name in filter(named.__contains__, _COMMANDS):
        app.command(name)(importlib.import_module(f"mlops_tui.cli.{name}").command)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit status. Errors of ours are raised."""
    app = make_app(arguments)
    try:
        app(args=list(arguments), prog_name="mlops-tui")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@takes_global_options
def _open_without_command(
    invocation: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and end.")] = False,
    low_bandwidth: Annotated[bool, typer.Option("--low-bandwidth", help="Send less to the terminal.")] = False,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
    *,
    options: GlobalOptions,
) -> None:
    if version:
        typer.echo(f"mlops-tui {__version__}")
        raise typer.Exit
    if invocation.invoked_subcommand is None:
        from mlops_tui.cli.dashboard import Manner, open_chosen

        raise typer.Exit(open_chosen(options.choice, options.token_file, Manner(low_bandwidth, no_mouse)))
