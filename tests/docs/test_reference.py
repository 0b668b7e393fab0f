"""The parts of the documentation that the program makes, and the examples in the rest."""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import mlops_tui.sandbox as package
from mlops_tui.config.policy import parse_policy
from mlops_tui.config.settings import Settings, validate_settings
from mlops_tui.domain.filters import parse_filter
from mlops_tui.domain.policy import ApprovalMode, RolloutDriver
from mlops_tui.sandbox.settings import World
from mlops_tui.screens.actions import all_actions
from tests.cli.conftest import Program, program
from tests.sandbox.factory import SandboxFactory, sandbox
from tools.command_reference import WRITES, commands
from tools.reference import DOCS, PARTS, outdated

__all__ = ["program", "sandbox"]

ROOT = DOCS.parent
CLIENTS = ROOT / ".venv-clients" / "bin" / "python"
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    titles = HEADING.findall(path.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_what_the_program_makes_is_up_to_date() -> None:
    assert outdated() == [], "run make docs"


def test_every_part_holds_something() -> None:
    made = {name: render() for parts in PARTS.values() for name, render in parts.items()}
    assert all(text.count("\n") >= 2 for text in made.values())


def test_every_setting_is_described() -> None:
    text = (DOCS / "configuration.md").read_text("utf-8")
    schema = Settings.model_json_schema()
    keys = [*schema["properties"], *schema["$defs"]["ContextSettings"]["properties"]]
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_every_action_is_among_the_keys() -> None:
    text = (DOCS / "keys.md").read_text("utf-8")
    assert [action.id for action in all_actions() if f"`{action.id}`" not in text] == []


def test_every_command_says_what_it_writes() -> None:
    assert set(WRITES) == set(commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("page", ["getting-started.md", "configuration.md"])
def test_settings_in_the_pages_are_valid(page: str, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        configuration = validate_settings(text, tmp_path / "config.toml")
        assert len(configuration.contexts) == len(tomllib.loads(text).get("contexts", {}))


def test_the_policy_in_the_page_is_valid() -> None:
    (text,) = blocks("policy.md", "yaml")
    fraud = parse_policy(text).for_model("fraud")
    assert fraud.environments["production"].is_production
    assert fraud.approval.mode is ApprovalMode.DEPLOYMENT
    assert fraud.rollout is not None
    assert fraud.rollout.driver is RolloutDriver.FLAG
    assert [guardrail.name for guardrail in fraud.rollout.guardrails] == ["errors", "latency"]


def test_the_filters_in_the_page_can_be_read() -> None:
    text = (DOCS / "filters.md").read_text("utf-8")
    examples = text.split("```")[1].strip().splitlines()
    assert len(examples) >= 4
    assert all(parse_filter(example) for example in examples)


def test_the_python_in_the_page_runs(sandbox: SandboxFactory, capsys: pytest.CaptureFixture[str]) -> None:
    server = sandbox(world=World.DEMO, fresh=True)
    (code,) = blocks("api.md", "python")
    namespace: dict[str, Any] = {}
    exec(compile(code, "api.md", "exec"), namespace)
    token = server.tokens["developer"]
    run_id = asyncio.run(namespace["best_run"](server.url, token))
    assert re.fullmatch(r"[0-9a-f-]{36}", run_id)
    assert "production 2.0.0" in capsys.readouterr().out
    assert asyncio.run(namespace["promote"](server.url, token, "1.2.1")) == "done"
    assert "curl --request POST" in capsys.readouterr().out


@pytest.mark.clients
@pytest.mark.skipif(not CLIENTS.exists(), reason="the environment of the foreign clients is not installed")
def test_the_first_run_in_the_page_is_logged(sandbox: SandboxFactory, program: Program, tmp_path: Path) -> None:
    server = sandbox(fresh=True)
    project = server.projects[0]
    (code,) = blocks("runs.md", "python")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MLFLOW_TRACKING_URI": f"{server.url}/api/v4/projects/{project['id']}/ml/mlflow",
        "MLFLOW_TRACKING_TOKEN": server.tokens["developer"],
    }
    subprocess.run([CLIENTS, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=100)
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(server.tokens["developer"])
    context = ("--url", server.url, "--project", project["path"], "--token-file", str(token), "--output", "json")
    (run,) = program("runs", "list", "--experiment", "first-steps", *context).document["items"]
    assert (run["name"], run["params"], run["metrics"]["auc"]) == ("baseline", {"learning_rate": "0.01"}, 0.91)
    history = program("runs", "history", run["run_id"], "loss", *context).document["items"]
    assert [point["value"] for point in history] == [1.0, 0.5, 1 / 3]


def test_the_hooks_in_the_page_are_all_the_hooks() -> None:
    text = (DOCS / "sandbox.md").read_text("utf-8")
    named = re.findall(r"^\| `[A-Z]+ /-/sandbox(/[^`]*)`", text, re.MULTILINE)
    assert {re.sub(r"\bID\b", "{}", path) for path in named} == _hooks()


def _hooks() -> set[str]:
    """The paths of all hooks of the sandbox, with {} for what varies."""
    names = [module.name for module in pkgutil.walk_packages(package.__path__, "mlops_tui.sandbox.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    paths = [route.path for module in modules for route in getattr(module, "ROUTES", ())]
    hooks = [path.removeprefix("/-/sandbox") for path in paths if path.startswith("/-/sandbox")]
    return {re.sub(r"\{[^}]*\}", "{}", path) for path in hooks}
