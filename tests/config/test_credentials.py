from __future__ import annotations

import os
import pickle
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlops_tui.config.configuration import ConfiguredContext
from mlops_tui.config.credentials import Surroundings, find_credential
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.errors import ConfigError, ExitCode
from tests.config.files import TOKEN, write

HOST = "https://gitlab.example.com"
PRINT_TOKEN = (sys.executable, "-c", f"print({TOKEN!r})")


@dataclass(slots=True)
class Search:
    """One search with its surroundings, and what it said."""

    home: Path
    url: str = HOST
    environment: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def find(
        self, token_file: Path | None = None, own_file: Path | None = None, command: tuple[str, ...] = ()
    ) -> FoundCredential:
        chosen = ConfiguredContext(Context("work", self.url), own_file, command)
        return find_credential(chosen, token_file, Surroundings(self.environment, self.home, self.told.append))


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(tmp_path)


def token_file(folder: Path, name: str, token: str = TOKEN) -> Path:
    return write(folder / name, token + "\n")


def test_each_source_goes_before_the_next(search: Search, tmp_path: Path) -> None:
    flag, own = token_file(tmp_path, "flag"), token_file(tmp_path, "own")
    write(tmp_path / ".python-gitlab.cfg", f"[global]\n[x]\nurl = {HOST}\nprivate_token = {TOKEN}\n")
    write(tmp_path / ".config/glab-cli/config.yml", f"hosts:\n  gitlab.example.com:\n    token: {TOKEN}\n")
    search.environment = {
        "GITLAB_TOKEN": TOKEN,
        "GITLAB_HOST": HOST,
        "CI_JOB_TOKEN": TOKEN,
        "CI_SERVER_URL": HOST,
    }
    assert search.find(flag, own).source.startswith("--token-file")
    assert search.find(None, own).source == "GITLAB_TOKEN"
    del search.environment["GITLAB_TOKEN"]
    assert search.find(None, own).source.startswith("token_file of context work")
    assert search.find(None, None, PRINT_TOKEN).source.startswith("token_command of context work")
    assert ".python-gitlab.cfg" in search.find().source
    (tmp_path / ".python-gitlab.cfg").unlink()
    assert "glab-cli" in search.find().source
    (tmp_path / ".config/glab-cli/config.yml").unlink()
    assert search.find() == FoundCredential(TokenKind.JOB, Secret(TOKEN), "CI_JOB_TOKEN")


def test_without_a_token_the_ways_to_give_one_are_named(search: Search) -> None:
    with pytest.raises(ConfigError, match="--token-file") as caught:
        search.find()
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("host", [None, "gitlab.com", "http://gitlab.example.com", "https://gitlab.example.com:8443"])
def test_a_token_for_another_host_is_left_alone_and_that_is_said(search: Search, host: str | None) -> None:
    search.environment = {"GITLAB_TOKEN": TOKEN} | ({"GITLAB_HOST": host} if host else {})
    with pytest.raises(ConfigError):
        search.find()
    assert len(search.told) == 1
    assert "GITLAB_TOKEN is not used" in search.told[0]
    assert TOKEN not in search.told[0]


def test_a_ci_token_of_another_server_is_left_alone(search: Search) -> None:
    search.environment = {"CI_JOB_TOKEN": TOKEN, "CI_SERVER_URL": "https://ci.example.com"}
    with pytest.raises(ConfigError):
        search.find()
    assert "CI_JOB_TOKEN is not used" in search.told[0]


def test_the_other_names_of_the_environment_work_too(search: Search) -> None:
    search.environment = {"GITLAB_PRIVATE_TOKEN": TOKEN, "GITLAB_URL": HOST + "/"}
    assert search.find().source == "GITLAB_PRIVATE_TOKEN"


def test_the_default_host_of_the_environment_is_gitlab_com(search: Search) -> None:
    search.url, search.environment = "https://gitlab.com", {"GITLAB_TOKEN": TOKEN}
    assert search.find().secret == Secret(TOKEN)


def test_a_token_never_travels_unencrypted(search: Search, tmp_path: Path) -> None:
    search.url = "http://gitlab.example.com"
    with pytest.raises(ConfigError, match="unencrypted"):
        search.find(token_file(tmp_path, "flag"))
    search.url = "http://127.0.0.1:8080"
    assert search.find(token_file(tmp_path, "flag")).kind is TokenKind.PERSONAL


def test_a_token_file_is_for_its_owner_only(search: Search, tmp_path: Path) -> None:
    path = token_file(tmp_path, "flag")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=r"chmod 600"):
        search.find(path)


@pytest.mark.parametrize("content", ["", " \n", "two words", "\x1b[31mred", "x" * 20_000, "tök"])
def test_what_is_no_token_is_refused_without_showing_it(search: Search, tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError) as caught:
        search.find(write(tmp_path / "flag", content))
    assert not content.strip() or content not in str(caught.value)


def test_a_missing_token_file_is_named(search: Search, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent"):
        search.find(tmp_path / "absent")


def test_a_pipe_may_carry_a_token(search: Search, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, TOKEN.encode())
    os.close(writing)
    assert search.find(Path(f"/dev/fd/{reading}")).secret == Secret(TOKEN)
    os.close(reading)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("no-such-program-here",), "cannot be started"),
        ((sys.executable, "-c", "import sys; print('glpat-secret'); sys.exit(3)"), "status 3"),
        ((sys.executable, "-c", "pass"), "it is empty"),
        ((sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\xff')"), "no token has"),
        (("bad\0name",), "cannot be started"),
    ],
)
def test_a_command_that_gives_no_token_is_named_without_its_output(
    search: Search, command: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        search.find(None, None, command)
    assert "glpat-secret" not in str(caught.value)


def test_a_command_is_no_shell_line(search: Search, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(ConfigError):
        search.find(None, None, (f"echo {TOKEN}; touch {mark}",))
    assert not mark.exists()


def test_a_job_token_is_known_by_its_looks(search: Search, tmp_path: Path) -> None:
    assert search.find(token_file(tmp_path, "flag", "glcbt-" + "a" * 20)).kind is TokenKind.JOB


def test_python_gitlab_runs_only_the_helper_of_the_right_section(search: Search, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    helper = write(tmp_path / "helper", f"#!/bin/sh\necho {TOKEN}\n", mode=0o700)
    wrong = write(tmp_path / "wrong", f"#!/bin/sh\ntouch {mark}\necho x\n", mode=0o700)
    write(
        tmp_path / "own.cfg",
        f"[global]\ndefault = a\n[a]\nurl = https://other.example.com\nprivate_token = helper: {wrong}\n"
        f"[b]\nurl = {HOST}\noauth_token = helper: {helper}\n",
    )
    search.environment = {"PYTHON_GITLAB_CFG": str(tmp_path / "own.cfg")}
    found = search.find()
    assert (found.kind, found.secret) == (TokenKind.OAUTH, Secret(TOKEN))
    assert not mark.exists()


@pytest.mark.parametrize("text", ["[global", f"[b]\nurl = {HOST}\nprivate_token = helper: false\n", "\0"])
def test_a_broken_file_of_python_gitlab_is_an_error_with_its_name(search: Search, tmp_path: Path, text: str) -> None:
    write(tmp_path / ".python-gitlab.cfg", text)
    with pytest.raises(ConfigError, match=r"python-gitlab"):
        search.find()


def test_a_missing_file_of_python_gitlab_is_an_error(search: Search) -> None:
    search.environment = {"PYTHON_GITLAB_CFG": "/nowhere/gitlab.cfg"}
    with pytest.raises(ConfigError, match="PYTHON_GITLAB_CFG"):
        search.find()


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        (f"token: {TOKEN}", TokenKind.PERSONAL),
        (f"token: !!null {TOKEN}", TokenKind.PERSONAL),
        (f"token: {TOKEN}\n    is_oauth2: 'true'", TokenKind.OAUTH),
        (f"job_token: {TOKEN}", TokenKind.JOB),
    ],
)
def test_glab_keeps_tokens_in_several_forms(search: Search, tmp_path: Path, host: str, kind: TokenKind) -> None:
    write(tmp_path / "glab" / "config.yml", f"hosts:\n  gitlab.example.com:\n    api_protocol: https\n    {host}\n")
    search.environment = {"GLAB_CONFIG_DIR": str(tmp_path / "glab")}
    found = search.find()
    assert (found.kind, found.secret) == (kind, Secret(TOKEN))


def test_a_token_of_glab_in_a_keyring_is_said_to_be_out_of_reach(search: Search, tmp_path: Path) -> None:
    write(tmp_path / ".config/glab-cli/config.yml", "hosts:\n  gitlab.example.com:\n    user: mona\n")
    with pytest.raises(ConfigError):
        search.find()
    assert "keyring" in search.told[0]


@pytest.mark.parametrize("text", ["hosts: [", "\t", "hosts: 3", "", "- a", "hosts:\n  ? [a]\n  : b"])
def test_a_broken_file_of_glab_is_left_alone(search: Search, tmp_path: Path, text: str) -> None:
    write(tmp_path / ".config/glab-cli/config.yml", text)
    with pytest.raises(ConfigError, match="There is no token"):
        search.find()


def test_a_secret_shows_itself_to_nobody() -> None:
    found = FoundCredential(TokenKind.PERSONAL, Secret(TOKEN), "here")
    assert TOKEN not in f"{found} {found!r} {found.secret} {found.secret:>30}"
    with pytest.raises(TypeError):
        pickle.dumps(found.secret)
