from __future__ import annotations

import pytest

from mlops_tui.config.toml_lines import line_of, parse_toml
from mlops_tui.domain.errors import ConfigError

TEXT = """\
theme = "dark"

[keymap]
"runs.refresh" = "f5"

[contexts.work] # the first
url = "https://a"
projects = [
  "a/b",
]
[contexts."two words"]
kind = "other"
contexts.nested = 1
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("theme",), 1),
        (("keymap", "runs.refresh"), 4),
        (("contexts", "work"), 6),
        (("contexts", "work", "url"), 7),
        (("contexts", "work", "projects", 0), 8),
        (("contexts", "two words", "kind"), 12),
        (("contexts", "two words", "contexts", "nested"), 13),
        (("contexts", "work", "absent"), 6),
        (("absent",), None),
    ],
)
def test_a_key_is_found_or_the_table_around_it(location: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(TEXT, location) == line


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml('theme = "dark"\nmouse = maybe\n', "config.toml")
    assert caught.value.line == 2
    assert "config.toml:2" in str(caught.value)


def test_nesting_without_end_is_an_error_of_its_own() -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse_toml("a = " + "[" * 100_000, "config.toml")
