"""What is loaded before it is needed, measured in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mlops_tui import __version__

HEAVY = ("typer", "textual", "rich", "httpx", "pydantic", "numpy", "plotext", "gitlab", "graphql", "starlette")
PROBE = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})), file=sys.stderr))
sys.argv = ["mlops-tui", *{arguments!r}]
from mlops_tui.__main__ import main
sys.exit(main())
"""


def loaded(*arguments: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run the program to its end; gives it and the packages it had loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(arguments=list(arguments))], capture_output=True, text=True, check=False
    )
    return done, set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_costs_nothing(flag: str) -> None:
    done, packages = loaded(flag)
    assert done.stdout == f"mlops-tui {__version__}\n"
    assert packages.isdisjoint(HEAVY)


def test_a_terminal_that_cannot_show_the_dashboard_costs_nothing() -> None:
    done, packages = loaded()
    assert done.returncode == 2
    assert packages.isdisjoint(HEAVY)


def test_the_shell_is_helped_to_complete_nouns_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_MLOPS_TUI_COMPLETE", "complete_bash")
    for words, expected in (("mlops-tui jour", "journal"), ("mlops-tui journal list --out", "--output")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        done, packages = loaded()
        assert done.stdout.split() == [expected]
        assert packages.isdisjoint({"textual", "httpx"})


@pytest.mark.parametrize(
    "arguments", [("config", "path"), ("config", "contexts"), ("journal", "list"), ("sandbox", "serve", "--help")]
)
def test_a_headless_command_loads_only_what_it_needs(arguments: tuple[str, ...]) -> None:
    done, packages = loaded(*arguments)
    assert done.returncode == 0
    assert packages.isdisjoint({"textual", "numpy", "plotext", "gitlab", "graphql", "starlette"})


@pytest.mark.parametrize("arguments", [("config", "path"), ("--help",), ("config", "--help")])
def test_what_asks_nothing_of_gitlab_loads_no_http_client(arguments: tuple[str, ...]) -> None:
    _, packages = loaded(*arguments)
    assert packages.isdisjoint({"httpx", "textual", "rich", "yaml"})
