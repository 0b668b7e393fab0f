from __future__ import annotations

import jsonschema
import pytest

from tests.cli.conftest import Program
from tests.cli.schemas import FOLDER, schema_of

NOUNS = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.iterdir())


@pytest.mark.parametrize("noun", NOUNS)
def test_every_schema_is_one_and_names_its_noun(noun: str) -> None:
    schema = schema_of(noun)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"]["const"] == f"mlops-tui/{noun}/1"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("noun", NOUNS)
def test_every_schema_can_be_printed(program: Program, noun: str) -> None:
    assert program("config", "schema", "--output-of", noun).document == schema_of(noun)


def test_an_unknown_schema_is_refused_with_the_known_ones(program: Program) -> None:
    ended = program("config", "schema", "--output-of", "nothing")
    assert (ended.status, ended.out) == (2, "")
    assert "journal" in ended.err
