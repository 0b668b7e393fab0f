from __future__ import annotations

import pytest

from mlops_tui.config.configuration import Configuration
from mlops_tui.config.contexts import Choice, choose_context
from mlops_tui.config.settings import validate_settings
from mlops_tui.domain.contexts import Context, ContextKind, origin_of
from mlops_tui.domain.errors import ConfigError, UsageError
from tests.config.test_settings import NOWHERE

TWO = validate_settings(
    """
[contexts.test]
url = "https://gitlab.example.com/git"
projects = ["acme/fraud"]
[contexts.live]
url = "https://gitlab.example.com/git/"
kind = "production"
read_only = true
token_file = "live.token"
[contexts.other]
url = "https://other.example.com"
groups = ["acme"]
""",
    NOWHERE,
)


def chosen(choice: Choice, environment: dict[str, str] | None = None, settings: Configuration = TWO) -> Context:
    return choose_context(settings, choice, environment or {}).context


def test_a_flag_goes_before_the_environment() -> None:
    environment = {"MLOPS_TUI_CONTEXT": "other", "MLOPS_TUI_PROJECT": "a/b, c/d"}
    assert chosen(Choice(context="test"), environment).name == "test"
    assert chosen(Choice(), environment).projects == ("a/b", "c/d")
    assert chosen(Choice(projects=("e/f",)), environment).projects == ("e/f",)
    assert chosen(Choice(url="https://gitlab.example.com/git"), environment).name == "test"


def test_named_projects_replace_those_of_the_context_and_its_groups() -> None:
    context = chosen(Choice(context="other", projects=("x/y",)))
    assert (context.projects, context.groups) == (("x/y",), ())


def test_an_address_is_as_careful_as_the_strictest_context_on_it() -> None:
    context = chosen(Choice(url="https://gitlab.example.com/git"))
    assert (context.kind, context.is_read_only) == (ContextKind.PRODUCTION, True)


def test_an_unknown_address_has_no_token_and_no_projects() -> None:
    found = choose_context(TWO, Choice(url="gitlab.com"), {})
    assert found.context == Context(name="gitlab.com", url="https://gitlab.com")
    assert (found.token_file, found.token_command) == (None, ())


def test_a_name_and_another_address_are_refused() -> None:
    with pytest.raises(UsageError, match="two instances"):
        chosen(Choice(context="test", url="https://evil.example.com"))


def test_read_only_can_be_added_but_not_taken_away() -> None:
    assert chosen(Choice(context="test", is_read_only=True)).is_read_only
    assert chosen(Choice(context="test"), {"MLOPS_TUI_READ_ONLY": "true"}).is_read_only
    assert chosen(Choice(context="live", is_read_only=False)).is_read_only


def test_several_contexts_need_a_default() -> None:
    with pytest.raises(ConfigError, match="test, live, other"):
        chosen(Choice())


def test_a_mistyped_name_is_recognised() -> None:
    with pytest.raises(ConfigError, match="Did you mean other"):
        chosen(Choice(context="othr"))


def test_a_ci_job_works_on_its_own_project() -> None:
    job = {"GITLAB_CI": "true", "CI_SERVER_URL": "https://ci.example.com", "CI_PROJECT_PATH": "acme/fraud"}
    context = chosen(Choice(), job)
    assert (context.url, context.projects) == ("https://ci.example.com", ("acme/fraud",))
    assert chosen(Choice(context="test"), job).name == "test"


def test_without_settings_the_host_of_the_environment_is_taken() -> None:
    assert chosen(Choice(), {"GITLAB_HOST": "git.example.com"}, Configuration()).url == "https://git.example.com"
    with pytest.raises(ConfigError, match="no context yet"):
        chosen(Choice(), {}, Configuration())


@pytest.mark.parametrize("url", ["ftp://a", "https://me:secret@a", "https://", "https://a/?x=1", "https://a:b"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(Choice(url=url))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("GitLab.com", "https://gitlab.com"),
        ("https://gitlab.com:443/x", "https://gitlab.com"),
        ("http://a:80", "http://a"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://a.example.", "https://a.example"),
    ],
)
def test_an_origin_has_one_spelling(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.2", True),
        ("http://[::1]", True),
        ("http://127.evil.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(url: str, is_loopback: bool) -> None:
    assert Context("a", url).is_loopback is is_loopback


def test_a_proxy_with_its_password_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Context("a", "https://a", proxy="http://me:secret@proxy"))
