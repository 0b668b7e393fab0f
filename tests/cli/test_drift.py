"""``drift profile`` and ``drift analyze`` as scripts and CI jobs use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mlops_tui.cli.drift_options import parse_features
from mlops_tui.domain.drift import FeatureKind, Statistic
from mlops_tui.domain.errors import UsageError
from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge

FIELDS = [
    "feature", "kind", "statistic", "value", "p_value", "threshold", "verdict", "n_reference", "n_current",
    "missing_reference", "missing_current", "decides", "reason",
]  # fmt: skip


def table(path: Path, rows: int, seed: int, shift: float = 0.0, new: float = 0.0, missing: float = 0.0) -> str:
    """Write a table of customers; the arguments say what is different about them."""
    draw = np.random.default_rng(seed)
    amounts = draw.lognormal(3 + shift, 1, rows)
    countries = np.where(draw.random(rows) < new, "br", draw.choice(["de", "fr", "us"], rows, p=[0.5, 0.3, 0.2]))
    sensors = np.where(draw.random(rows) < missing, "", draw.normal(size=rows).astype(str))
    lines = [
        f"{amount},{country},{sensor}" for amount, country, sensor in zip(amounts, countries, sensors, strict=True)
    ]
    path.write_text("\n".join(["amount,country,sensor", *lines]) + "\n")
    return str(path)


@pytest.fixture
def reference(tmp_path: Path) -> str:
    return table(tmp_path / "reference.csv", 3_000, 1)


@pytest.fixture
def profile(program: Program, reference: str, tmp_path: Path) -> str:
    path = tmp_path / "profile.json"
    assert program("drift", "profile", "--input", reference, "--out", str(path)).status == 0
    return str(path)


@pytest.fixture
def analyze(program: Program, tmp_path: Path) -> Callable[..., Ended]:
    def run(reference: str, *arguments: str, **changes: Any) -> Ended:
        current = table(tmp_path / "current.csv", changes.pop("rows", 2_000), 2, **changes)
        return program("drift", "analyze", "--reference", reference, "--input", current, *arguments)

    return run


def items(ended: Ended) -> list[dict[str, Any]]:
    judge(ended.document)
    found: list[dict[str, Any]] = ended.document["items"]
    return found


def verdicts(ended: Ended) -> dict[str, str]:
    return {item["feature"]: item["verdict"] for item in items(ended) if item["decides"]}


def test_a_profile_lists_its_features(program: Program, reference: str, tmp_path: Path) -> None:
    out = tmp_path / "p.json"
    ended = program("drift", "profile", "--input", reference, "--out", str(out), "--output", "json")
    assert ended.status == 0
    assert [(item["feature"], item["kind"], item["n"]) for item in items(ended)] == [
        ("amount", "numeric", 3_000),
        ("country", "categorical", 3_000),
        ("sensor", "numeric", 3_000),
    ]
    assert json.loads(out.read_text())["id"] == items(ended)[0]["profile_id"]
    assert list(tmp_path.glob(".*")) == []


def test_unchanged_data_pass(analyze: Callable[..., Ended], profile: str, reference: str) -> None:
    for source in (profile, reference):
        ended = analyze(source, "--output", "json")
        assert ended.status == 0
        assert set(verdicts(ended).values()) == {"ok"}
    first = items(ended)[0]
    assert list(first) == FIELDS
    assert (first["n_reference"], first["n_current"]) == (3_000, 2_000)
    assert len({(item["feature"], item["statistic"]) for item in items(ended)}) == len(items(ended))


def test_a_profile_and_its_data_give_the_same_answer(
    analyze: Callable[..., Ended], profile: str, reference: str
) -> None:
    first, second = (items(analyze(source, "-o", "json", shift=0.3)) for source in (profile, reference))
    assert first == second


@pytest.mark.parametrize(
    ("change", "feature"), [({"shift": 0.5}, "amount"), ({"new": 0.1}, "country"), ({"missing": 0.2}, "sensor")]
)
def test_each_kind_of_drift_is_found_in_its_feature(
    analyze: Callable[..., Ended], profile: str, change: dict[str, float], feature: str
) -> None:
    ended = analyze(profile, "--output", "json", **change)
    assert ended.status == 1
    assert [name for name, verdict in verdicts(ended).items() if verdict == "drift"] == [feature]


def test_too_little_data_is_an_answer_of_its_own(analyze: Callable[..., Ended], profile: str) -> None:
    for rows in (0, 30):
        ended = analyze(profile, "--output", "json", rows=rows)
        assert ended.status == 3
        assert set(verdicts(ended).values()) == {"insufficient"}


def test_drift_outweighs_what_could_not_be_judged(program: Program, profile: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("amount,country\n" + "abc,xx\n" * 500)
    ended = program("drift", "analyze", "--reference", profile, "--input", str(path), "-o", "json")
    assert ended.status == 1
    assert verdicts(ended) == {"amount": "invalid", "country": "drift", "sensor": "invalid"}
    reasons = {item["feature"]: item["reason"] for item in items(ended) if item["verdict"] == "invalid"}
    assert "text where numbers are expected: 'abc'" in reasons["amount"]
    assert "no such column" in reasons["sensor"]
    path.write_text(
        "amount,country,sensor\n" + "\n".join(f"abc,{c},0" for c in ["de"] * 250 + ["fr"] * 150 + ["us"] * 100)
    )
    only = ("--features", "amount,country,unheard")
    ended = program("drift", "analyze", "--reference", profile, "--input", str(path), *only, "-o", "json")
    assert (ended.status, verdicts(ended)) == (3, {"amount": "invalid", "country": "ok", "unheard": "invalid"})


def test_columns_nobody_asked_for_are_named_on_stderr(program: Program, profile: str, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text("amount,country,sensor,extra\n")
    ended = program("drift", "analyze", "--reference", profile, "--input", str(path), "-o", "json")
    assert "extra was left out" in ended.err


def test_an_unusable_column_of_raw_data_stays_alone(program: Program, tmp_path: Path) -> None:
    reference, current = tmp_path / "r.ndjson", tmp_path / "c.ndjson"
    draw = np.random.default_rng(3)
    rows = [{"x": value, "empty": None, "tags": [1], "id": f"row {value}"} for value in draw.normal(size=600).tolist()]
    for path in (reference, current):
        path.write_text("\n".join(map(json.dumps, rows)))
    ended = program("drift", "analyze", "--reference", str(reference), "--input", str(current), "-o", "json")
    assert (ended.status, verdicts(ended)) == (3, {"x": "ok", "empty": "invalid"})
    assert "tags was left out" in ended.err
    assert "id was left out: nearly every row has a text of its own" in ended.err


@pytest.mark.parametrize("tool", ["evidently", "nannyml"])
def test_another_tool_is_imitated_from_raw_data_only(
    analyze: Callable[..., Ended], profile: str, reference: str, tool: str
) -> None:
    refused = analyze(profile, "--compat", tool)
    assert (refused.status, refused.out) == (2, "")
    assert "Hand over the reference data" in refused.err
    ended = analyze(reference, "--compat", tool, "--output", "json", shift=0.5, new=0.3)
    assert ended.status == 1
    assert verdicts(ended)["amount"] == verdicts(ended)["country"] == "drift"
    assert analyze(reference, "--compat", tool, "--alpha", "0.1").status == 2


def test_the_level_and_the_floor_take_effect(analyze: Callable[..., Ended], profile: str) -> None:
    assert analyze(profile, shift=0.25).status == 1
    assert analyze(profile, "--smallest-effect", "0.5", shift=0.25).status == 0
    wide = {item["threshold"] for item in items(analyze(profile, "-o", "json", "--alpha", "1e-9")) if item["decides"]}
    usual = {item["threshold"] for item in items(analyze(profile, "-o", "json")) if item["decides"]}
    assert max(wide) > max(usual)


def test_the_load_of_false_alarms_is_said(analyze: Callable[..., Ended], profile: str) -> None:
    ended = analyze(profile, "--every", "1d")
    assert "at most 5 say drift; run every 1d, that is 1.5 in 30 days" in ended.err
    assert ended.out.startswith("FEATURE")


def test_a_page_puts_the_worst_first(analyze: Callable[..., Ended], profile: str) -> None:
    ended = analyze(profile, "--output", "markdown", "--every", "5m", missing=0.3)
    lines = ended.out.splitlines()
    assert lines[0] == "## Drift: 1 of 3 features differ from the reference"
    assert lines[4].startswith("| sensor | numeric | psi |")
    assert "432 in 30 days" in ended.out


def test_ci_reads_a_test_per_feature(analyze: Callable[..., Ended], profile: str, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    assert analyze(profile, "--junit", str(report), shift=1.0).status == 1
    root = ET.fromstring(report.read_bytes())
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    failed = root.find(".//testcase[@name='amount']/failure")
    assert failed is not None
    assert str(failed.get("message")).startswith("psi ")
    assert analyze(profile, "--junit", str(report), rows=10).status == 3
    assert ET.fromstring(report.read_bytes()).get("skipped") == "3"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(program: Program, reference: str, tmp_path: Path) -> None:
    ended = program("drift", "profile", "--input", reference, "--out", str(tmp_path / "none" / "p.json"))
    assert (ended.status, ended.out) == (4, "")
    assert "cannot be written" in ended.err


def test_a_profile_of_chosen_features(program: Program, reference: str, tmp_path: Path) -> None:
    out = str(tmp_path / "p.json")
    chosen = ("--features", "sensor:score", "--features", "amount", "--bins", "20")
    ended = program("drift", "profile", "--input", reference, "--out", out, *chosen, "-o", "json")
    assert [(item["feature"], item["kind"]) for item in items(ended)] == [("sensor", "score"), ("amount", "numeric")]
    assert max(item["bins"] for item in items(ended)) <= 20
    wrong = program("drift", "profile", "--input", reference, "--out", out, "--features", "country:numeric,amount")
    assert wrong.status == 3
    assert "country is not in the profile: it holds text" in wrong.err
    nothing = program("drift", "profile", "--input", reference, "--out", out, "--features", "nothing")
    assert nothing.status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--alpha", "2"),
        ("--smallest-effect", "-1"),
        ("--every", "often"),
        ("--every", "0s"),
        ("--features", "a,,b"),
        ("--features", "a,a"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    analyze: Callable[..., Ended], profile: str, arguments: tuple[str, ...]
) -> None:
    ended = analyze(profile, *arguments)
    assert (ended.status, ended.out) == (2, "")


def test_a_kind_that_is_not_the_profiles_is_refused(analyze: Callable[..., Ended], profile: str) -> None:
    ended = analyze(profile, "--features", "amount:categorical")
    assert (ended.status, ended.out) == (2, "")
    assert "has it as numeric" in ended.err
    assert analyze(profile, "--features", "amount:numeric").status == 0


def test_both_from_one_pipe_is_refused(program: Program) -> None:
    assert program("drift", "analyze", "--reference", "-", "--input", "-").status == 2


def test_features_are_named_with_their_kinds() -> None:
    assert parse_features(["a, b:score", "c:d,e:categorical"]) == {
        "a": None,
        "b": FeatureKind.SCORE,
        "c:d": None,
        "e": FeatureKind.CATEGORICAL,
    }
    with pytest.raises(UsageError):
        parse_features(["a:numeric,a"])


def test_the_schema_knows_every_statistic() -> None:
    from tests.cli.schemas import schema_of

    properties = schema_of("drift")["properties"]["items"]["items"]["properties"]
    assert set(properties["statistic"]["enum"]) == {statistic.value for statistic in Statistic}
    assert list(properties) == FIELDS


def correlated(path: Path, correlation: float, seed: int, moved: float = 0.0) -> str:
    """Write two features that only their correlation tells apart; the last quarter of the rows is ``moved``."""
    draw = np.random.default_rng(seed)
    first = draw.normal(size=2_000)
    second = correlation * first + np.sqrt(1 - correlation**2) * draw.normal(size=2_000)
    first[1_500:] += moved
    path.write_text("x,y\n" + "\n".join(f"{x},{y}" for x, y in zip(first, second, strict=True)) + "\n")
    return str(path)


def test_features_can_be_compared_all_together(program: Program, tmp_path: Path) -> None:
    reference = correlated(tmp_path / "reference.csv", 0.8, 1)
    for correlation, status in ((0.8, 0), (-0.2, 1)):
        current = correlated(tmp_path / "current.csv", correlation, 2)
        ended = program(
            "drift", "analyze", "--reference", reference, "--input", current, "--multivariate", "-o", "json"
        )
        assert ended.status == status, ended.err
        found = {item["statistic"]: item for item in items(ended) if item["feature"] == "(all features)"}
        assert set(found) == {"auc", "reconstruction"}
        assert (found["auc"]["value"] > 0.7, found["auc"]["decides"]) == (status == 1, True)
        assert {item["verdict"] for item in items(ended) if item["feature"] in {"x", "y"}} == {"ok"}


@pytest.mark.parametrize("detector", ["adwin", "page_hinkley"])
def test_the_row_at_which_a_feature_changed_is_told(program: Program, tmp_path: Path, detector: str) -> None:
    reference = correlated(tmp_path / "reference.csv", 0.8, 1)
    current = correlated(tmp_path / "current.csv", 0.8, 2, moved=2.0)
    compared = ("drift", "analyze", "--reference", reference, "--changes", detector)
    ended = program(*compared, "--input", current, "-o", "json")
    found = {item["feature"]: item for item in items(ended) if item["statistic"] == detector}
    assert found["x"]["value"] >= 1
    row = int(found["x"]["reason"].removeprefix("changed at row ").split(" ")[0].replace(",", ""))
    assert 1_500 < row < 1_650
    assert (found["y"]["value"], found["y"]["reason"]) == (0.0, "no change in the order of the rows")
    assert f"x changed at row {row:,}" in ended.err
    assert program(*compared, "--input", "-").status == 2
