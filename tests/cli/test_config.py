from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_tui.config.paths import Paths
from mlops_tui.config.settings import validate_settings
from tests.cli.conftest import Program
from tests.cli.schemas import judge
from tests.config.files import WORK, write


@pytest.fixture
def settings() -> Path:
    """Where the settings file of this test is."""
    return Paths.of_user().config / "config.toml"


def test_init_writes_a_private_file_that_is_valid(program: Program, settings: Path) -> None:
    assert program("config", "init").out == f"{settings}\n"
    assert settings.stat().st_mode & 0o777 == 0o600
    assert settings.parent.stat().st_mode & 0o777 == 0o700
    assert program("config", "check").status == 0


def test_init_never_overwrites(program: Program, settings: Path) -> None:
    write(settings, WORK)
    ended = program("config", "init")
    assert (ended.status, ended.out) == (5, "")
    assert settings.read_text() == WORK


def test_the_commented_lines_are_right_once_uncommented(program: Program, settings: Path) -> None:
    program("config", "init")
    lines = settings.read_text("utf-8").splitlines()
    keys = [line.removeprefix("# ") for line in lines if line.startswith("# ") and (" = " in line or "# [" in line)]
    configuration = validate_settings("\n".join(keys), Path("template"))
    assert configuration.contexts["work"].token_command == ("pass", "show", "gitlab/work")


def test_check_names_every_problem_with_its_line(program: Program, settings: Path) -> None:
    write(settings, WORK + 'kind = "prod"\nread_onl = true\n')
    ended = program("config", "check")
    assert (ended.status, ended.out) == (2, "")
    assert f"{settings}:6: contexts.work.kind" in ended.err
    assert f"{settings}:7: contexts.work.read_onl" in ended.err
    assert "Did you mean read_only" in ended.err


def test_check_without_a_file_names_the_way_to_one(program: Program) -> None:
    ended = program("config", "check")
    assert ended.status == 2
    assert "config init" in ended.err


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("version: 1\nmodels: {}\n", 0, "is valid"),
        ("version: 1\nmodel: {}\n", 2, "mlops.yml:2: model: Unknown key. Did you mean models"),
        ("version: [\n", 2, "no valid YAML"),
    ],
)
def test_check_reads_policy_files_too(program: Program, tmp_path: Path, text: str, status: int, words: str) -> None:
    ended = program("config", "check", "--policy", str(write(tmp_path / "mlops.yml", text)))
    assert ended.status == status
    assert words in ended.err


PLANNED = """version: 1
models:
  fraud:
    rollout:
      driver: flag
      steps: [{weight: 5}]
      guardrails: [{name: happiness, kind: rate, direction: lower, margin: 0.01}]
"""


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [("", 0, "Warning: "), ("    monitoring: {features: {amount: {type: numeric}}}\n", 2, "")],
)
def test_check_names_a_guardrail_that_nothing_declares(
    program: Program, tmp_path: Path, more: str, status: int, words: str
) -> None:
    path = write(tmp_path / "mlops.yml", PLANNED + more)
    ended = program("config", "check", "--policy", str(path))
    assert ended.status == status
    assert f"{words}{path}:7: models.fraud.rollout.guardrails[0].name: The guardrail happiness is unknown" in ended.err
    assert ("is valid" in ended.err) is (status == 0)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_policy_file_that_cannot_be_read_is_named(program: Program, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mlops.yml"
    if content is not None:
        path.write_bytes(content)
    ended = program("config", "check", "--policy", str(path))
    assert ended.status == 2
    assert str(path) in ended.err


def test_path_is_bare_for_a_shell_and_whole_for_a_program(program: Program, settings: Path) -> None:
    assert program("config", "path").out == f"{settings}\n"
    document = program("config", "path", "--output", "json").document
    judge(document)
    assert document["items"][0] == {"what": "settings", "path": str(settings), "exists": False}


def test_schema_is_the_reference_for_editors(program: Program) -> None:
    assert "default_context" in json.loads(program("config", "schema").out)["properties"]
    assert "models" in json.loads(program("config", "schema", "--policy").out)["properties"]


def test_contexts_are_listed_without_their_secrets(program: Program, settings: Path) -> None:
    text = WORK + 'token_command = ["pass", "show", "my-secret-entry"]\n[contexts.live]\nurl = "https://live"\n'
    write(settings, text + 'kind = "production"\nproxy = "http://me:hidden@proxy:1"\n')
    ended = program("config", "contexts", "-o", "json")
    judge(ended.document)
    assert [item["name"] for item in ended.document["items"] if item["current"]] == ["work"]
    assert ended.document["items"][0]["token"] == "command"
    assert "my-secret-entry" not in ended.out
    assert "hidden" not in ended.out


def test_contexts_tell_which_one_a_flag_would_take(program: Program, settings: Path) -> None:
    write(settings, WORK + '[contexts.live]\nurl = "https://live"\n')
    items = program("--context", "live", "config", "contexts", "-o", "json").document["items"]
    assert [item["name"] for item in items if item["current"]] == ["live"]


def test_a_broken_file_is_exit_2_in_every_command_that_needs_it(program: Program, settings: Path) -> None:
    write(settings, "contexts = 3\n")
    for command in (("config", "contexts"), ("doctor",)):
        ended = program(*command)
        assert ended.status == 2
        assert f"{settings}:1" in ended.err + ended.out
