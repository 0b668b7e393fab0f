from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.config.configuration import Configuration, configuration_of
from mlops_tui.config.settings import ContextSettings, Settings, read_settings, validate_settings
from mlops_tui.domain.contexts import Context, ContextKind
from mlops_tui.domain.errors import ConfigError, ExitCode
from mlops_tui.domain.preferences import Clipboard, Preferences
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from tests.config.files import WORK, write

NOWHERE = Path("config.toml")
TRACES = "[contexts.work.traces]\n"
REMOTE = 'kind = "clickhouse"\nurl = "https://clickhouse.example.com:8443"\n'


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        validate_settings(text, NOWHERE)
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value


def test_a_whole_file_becomes_records() -> None:
    text = WORK + (
        'groups = ["acme"]\nkind = "production"\nread_only = true\nca_bundle = "/etc/ca.pem"\npoll_interval = 5\n'
        'proxy = "http://proxy:3128"\ntimeout = 2.5\ntheme = "light"\n'
        '[keymap]\n"runs.refresh" = ["f5", "r"]\n'
    )
    configuration = validate_settings('low_bandwidth = true\nclipboard = "off"\nmouse = false\n' + text, NOWHERE)
    assert configuration.contexts["work"].context == Context(
        name="work",
        url="https://gitlab.example.com",
        projects=("acme/fraud",),
        groups=("acme",),
        kind=ContextKind.PRODUCTION,
        is_read_only=True,
        ca_bundle="/etc/ca.pem",
        proxy="http://proxy:3128",
        poll_interval=5.0,
        timeout=2.5,
        theme="light",
    )
    assert configuration.preferences == Preferences(
        low_bandwidth=True, mouse=False, clipboard=Clipboard.OFF, keymap={"runs.refresh": ["f5", "r"]}
    )


def test_a_context_says_where_its_traces_are() -> None:
    more = 'user = "reader"\ntimeout = 5\ntoken_command = ["pass", "show", "clickhouse"]\n'
    configuration = validate_settings(WORK + 'ca_bundle = "/etc/ca.pem"\n' + TRACES + REMOTE + more, NOWHERE)
    assert configuration.contexts["work"].context.traces == TraceSource(
        TraceSourceKind.CLICKHOUSE,
        "https://clickhouse.example.com:8443",
        user="reader",
        ca_bundle="/etc/ca.pem",
        timeout=5.0,
        token_command=("pass", "show", "clickhouse"),
    )
    embedded = validate_settings(WORK + TRACES + 'data = "~/traces"\n', NOWHERE).contexts["work"].context.traces
    assert embedded == TraceSource(data=Path.home() / "traces")


def test_the_documented_defaults_are_those_of_the_records() -> None:
    empty = Settings(contexts={"a": ContextSettings(url="https://a")})
    sparse = configuration_of(empty.model_dump(exclude_unset=True), "")
    assert configuration_of(empty.model_dump(), "") == sparse


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        (WORK + 'projcts = ["a/b"]\n', 6, "contexts.work.projcts", "Did you mean projects"),
        ('thme = "dark"\n' + WORK, 1, "thme", "Did you mean theme"),
        (WORK.replace("https:", "htps:"), 4, "contexts.work.url", "starts with https://"),
        (WORK.replace("https://", "https://me:secret@"), 4, "contexts.work.url", "token_file"),
        (WORK + "read_only = 1\n", 6, "contexts.work.read_only", "valid boolean"),
        (WORK + "poll_interval = 0\n", 6, "contexts.work.poll_interval", "greater than or equal to 1"),
        (WORK + "timeout = nan\n", 6, "contexts.work.timeout", "finite"),
        (WORK + 'kind = "prod"\n', 6, "contexts.work.kind", "'production' or 'other'"),
        (WORK.replace("acme/fraud", "fraud"), 5, "contexts.work.projects[0]", "group/project"),
        (WORK + "token_command = []\n", 6, "contexts.work.token_command", "at least 1"),
        ("[contexts.work]\n", 1, "contexts.work.url", "missing"),
        ('contexts = "work"\n', 1, "contexts", "a table of keys and values"),
        ('default_context = "wrk"\n[contexts.work]\nurl = "https://a"\n', 1, "default_context", "Did you mean work"),
        ('clipboard = "on"\n', 1, "clipboard", "osc52"),
        (WORK + TRACES + 'kind = "zipkin"\n', 7, "contexts.work.traces.kind", "'jaeger'"),
        (WORK + TRACES + 'kind = "jaeger"\n', 6, "contexts.work.traces", "need the url"),
        (WORK + TRACES + 'tenant = "a"\n', 6, "contexts.work.traces", 'no meaning for traces of kind "embedded"'),
        (WORK + TRACES + REMOTE + 'token_file = "a"\ntoken_variable = "B"\n', 6, "contexts.work.traces", "Only one"),
        (WORK + TRACES + REMOTE + 'table = "spans; DROP"\n', 9, "contexts.work.traces.table", "letters, digits"),
        (WORK + TRACES + REMOTE + 'token = "secret"\n', 9, "contexts.work.traces.token", "Unknown key"),
        ("_env_file = 1\n", 1, "_env_file", "Known here"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_helps(text: str, line: int, key: str, words: str) -> None:
    error = refused(text)
    assert (error.line, error.key) == (line, key)
    assert words in str(error)
    assert "secret" not in str(error)


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_TUI_THEME", "light")
    monkeypatch.setenv("MLOPS_TUI_MOUSE", "false")
    preferences = validate_settings('theme = "dark"\n', NOWHERE).preferences
    assert (preferences.theme, preferences.mouse) == ("light", False)


@pytest.mark.parametrize(("name", "value"), [("MOUSE", "perhaps"), ("KEYMAP", "{")])
def test_a_bad_variable_is_blamed_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"MLOPS_TUI_{name}", value)
    assert name.lower() in str(refused("")).lower()


@pytest.mark.parametrize(("content", "line"), [(b"theme = 'a'\n\xff", 2), (b"x" * 1_048_577, None), (b"theme =\n", 1)])
def test_what_is_no_text_is_an_error(tmp_path: Path, content: bytes, line: int | None) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_settings(path)
    assert caught.value.line == line


def test_a_file_that_names_a_token_is_for_its_owner_only(tmp_path: Path) -> None:
    path = write(tmp_path / "mlops-tui" / "config.toml", WORK + 'token_file = "t"\n', mode=0o640)
    with pytest.raises(ConfigError, match=r"chmod 600"):
        read_settings(path)
    write(path, WORK + TRACES + REMOTE + 'token_file = "t"\n', mode=0o640)
    with pytest.raises(ConfigError, match=r"chmod 600"):
        read_settings(path)
    write(path, WORK + 'token_file = "t"\n', mode=0o640)
    path.chmod(0o600)
    path.parent.chmod(0o750)
    with pytest.raises(ConfigError, match=r"chmod 700"):
        read_settings(path)
    path.parent.chmod(0o700)
    assert read_settings(path).contexts["work"].token_file == Path("t")


def test_a_harmless_file_may_be_read_but_not_written_by_others(tmp_path: Path) -> None:
    path = write(tmp_path / "config.toml", WORK, mode=0o644)
    assert read_settings(path).default_context == "work"
    path.chmod(0o664)
    with pytest.raises(ConfigError, match="others may change it"):
        read_settings(path)


def test_no_description_is_missing_from_the_reference() -> None:
    schema = Settings.model_json_schema()
    tables = [
        schema,
        schema["$defs"]["ContextSettings"],
        schema["$defs"]["TraceSettings"],
        schema["$defs"]["AlertSettings"],
    ]
    fields = [(name, field) for table in tables for name, field in table["properties"].items()]
    assert [name for name, field in fields if not field.get("description")] == []


words = st.sampled_from(
    [*Settings.model_fields, *ContextSettings.model_fields, "work", "work.url", '"a b"', "[", "]", "=", "\n", '"', "1"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | words, inner, max_size=4),
    max_leaves=12,
)


@given(st.text(max_size=200) | st.lists(words, max_size=30).map(" ".join))
def test_no_text_ends_in_anything_but_settings_or_a_clear_error(text: str) -> None:
    try:
        assert isinstance(validate_settings(text, NOWHERE), Configuration)
    except ConfigError as error:
        assert error.what  # noqa: PT017 - both endings are right, only the kind of error matters


@given(st.dictionaries(words, values, max_size=4))
def test_no_document_ends_in_anything_but_problems_with_a_key(document: dict[str, Any]) -> None:
    from mlops_tui.config.settings import find_problems

    for problem in find_problems("", document, NOWHERE):
        assert problem.key or problem.source
