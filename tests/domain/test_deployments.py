"""What is live, and where one may go back to, from nothing but a history of deployments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.deployments import (
    DeployedVersion,
    Deployment,
    DeploymentStatus,
    known_good,
    live_steps,
    live_version,
    pipeline_name,
    resolve_version,
    rollout_share,
)
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.projects import ProjectRef

PROJECT = ProjectRef(7, "acme/fraud")
START = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(
    number: int,
    version: str | None,
    *,
    pipeline: int | None = None,
    job: str = "deploy",
    status: DeploymentStatus = DeploymentStatus.SUCCESS,
    mark: str = "",
    environment: str = "production",
) -> Deployment:
    at = START + timedelta(hours=number)
    pipeline_id = pipeline if pipeline is not None else 100 + number
    record = Job(
        number, PROJECT, job, "deploy", "main", PipelineStatus.SUCCESS, pipeline_id, at, at, at, "mira", "", "", "4f1c"
    )
    deployed = DeployedVersion("fraud", version, mark) if version else None
    return Deployment(
        number, number, PROJECT, environment, "main", "4f1c", status, at, at, "mira", record, pipeline_id, deployed
    )


@pytest.mark.parametrize(
    ("name", "variables", "ref", "is_tag", "expected"),
    [
        ("fraud 1.2.0 -> production", None, "main", False, DeployedVersion("fraud", "1.2.0")),
        (
            "fraud 1.2.0-rc.1 -> staging [rollback 6f]",
            None,
            "main",
            False,
            DeployedVersion("fraud", "1.2.0-rc.1", "rollback 6f"),
        ),
        (
            "nightly",
            {"MODEL_NAME": "fraud", "MODEL_VERSION": "2.0.0"},
            "main",
            False,
            DeployedVersion("fraud", "2.0.0"),
        ),
        ("", None, "fraud/3.1.4", True, DeployedVersion("fraud", "3.1.4")),
        ("", None, "fraud/3.1.4", False, None),
        ("fraud latest -> production", {}, "main", False, None),
        ("", {"MODEL_NAME": "fraud"}, "main", False, None),
    ],
)
def test_a_version_is_read_from_the_name_then_the_variables_then_the_tag(
    name: str, variables: dict[str, str] | None, ref: str, is_tag: bool, expected: DeployedVersion | None
) -> None:
    assert resolve_version(name, variables, ref, is_tag) == expected


def test_the_name_wins_over_the_variables() -> None:
    variables = {"MODEL_NAME": "churn", "MODEL_VERSION": "9.9.9"}
    assert resolve_version("fraud 1.0.0 -> production", variables, "main", False) == DeployedVersion("fraud", "1.0.0")


@given(st.from_regex(r"[a-z][a-z0-9_./-]{0,20}", fullmatch=True), st.tuples(*[st.integers(0, 99)] * 3))
def test_a_pipeline_name_is_read_back_as_it_was_written(model: str, numbers: tuple[int, int, int]) -> None:
    version = ".".join(str(number) for number in numbers)
    assert resolve_version(
        pipeline_name(model, version, "production", "intent 5f"), None, "", False
    ) == DeployedVersion(model, version, "intent 5f")


@pytest.mark.parametrize(
    ("job", "share"),
    [("rollout 10%", 10.0), ("timed rollout 50%", 50.0), ("rollout 100%", None), ("canary", 50.0), ("deploy", None)],
)
def test_only_a_rollout_step_is_partial(job: str, share: float | None) -> None:
    assert rollout_share(job) == share


def test_live_is_the_newest_full_success_that_names_the_model() -> None:
    history = [
        deployment(1, "1.0.0"),
        deployment(2, "1.1.0"),
        deployment(3, "1.2.0", status=DeploymentStatus.FAILED),
        deployment(4, "9.0.0", environment="staging"),
    ]
    live = live_version(history, "fraud", "production")
    assert (live.version, live.since, live.until, live.share) == ("1.1.0", START + timedelta(hours=2), None, 100.0)


def test_live_in_the_past_has_an_end() -> None:
    history = [deployment(1, "1.0.0"), deployment(2, "1.1.0")]
    live = live_version(history, "fraud", "production", at=START + timedelta(hours=1, minutes=30))
    assert (live.version, live.until) == ("1.0.0", START + timedelta(hours=2))
    assert live_version(history, "fraud", "production", at=START).version is None


def test_a_rollout_step_shares_the_traffic() -> None:
    history = [deployment(1, "1.0.0"), deployment(2, "1.1.0", job="rollout 25%")]
    live = live_version(history, "fraud", "production")
    assert (live.version, live.share) == ("1.0.0", 75.0)
    assert [(step.version, step.share) for step in live_steps(history, live)] == [("1.1.0", 25.0)]


def test_a_later_deployment_without_a_version_is_admitted() -> None:
    live = live_version([deployment(1, "1.0.0"), deployment(2, None)], "fraud", "production")
    assert (live.version, live.unknown_since) == ("1.0.0", START + timedelta(hours=2))


def test_going_back_twice_never_returns_to_the_bad_version() -> None:
    history = [deployment(1, "1.0.0"), deployment(2, "1.1.0"), deployment(3, "1.2.0")]
    target = known_good(history, "fraud", "production")[0]
    assert target.deployed == DeployedVersion("fraud", "1.1.0")
    history.append(deployment(4, "1.1.0", pipeline=target.pipeline_id))
    again = known_good(history, "fraud", "production")
    assert [item.deployed.version for item in again if item.deployed] == ["1.0.0"]
    history.append(deployment(5, "1.0.0", pipeline=101))
    assert known_good(history, "fraud", "production") == []


def test_a_rollback_by_a_new_pipeline_is_known_by_its_mark() -> None:
    history = [deployment(1, "1.0.0"), deployment(2, "1.1.0"), deployment(3, "1.0.0", mark="rollback 6f")]
    assert known_good(history, "fraud", "production") == []


def test_a_version_that_was_promoted_anew_is_good_again() -> None:
    history = [
        deployment(1, "1.0.0"),
        deployment(2, "1.1.0"),
        deployment(3, "1.0.0", pipeline=101),
        deployment(4, "1.1.0"),
        deployment(5, "1.2.0"),
    ]
    offered = [item.deployed.version for item in known_good(history, "fraud", "production") if item.deployed]
    assert offered == ["1.1.0", "1.0.0"]


def test_what_the_journal_knows_counts_too() -> None:
    history = [deployment(1, "1.0.0"), deployment(2, "1.1.0"), deployment(3, "1.0.0")]
    assert [item.id for item in known_good(history, "fraud", "production")] == [2]
    assert known_good(history, "fraud", "production", journaled=frozenset({2})) == []


_HISTORY = st.lists(
    st.tuples(st.sampled_from(["1.0.0", "1.1.0", "2.0.0", None]), st.sampled_from(list(DeploymentStatus))), max_size=12
)


@given(_HISTORY)
def test_the_live_version_is_never_offered_as_the_way_back(rows: list[tuple[str | None, DeploymentStatus]]) -> None:
    history = [deployment(number, version, status=status) for number, (version, status) in enumerate(rows, 1)]
    live = live_version(history, "fraud", "production")
    offered = [item.deployed.version for item in known_good(history, "fraud", "production") if item.deployed]
    assert live.version not in offered
    assert len(offered) == len(set(offered))


@given(_HISTORY, st.integers(0, 12))
def test_the_answer_for_a_past_moment_does_not_depend_on_what_came_later(
    rows: list[tuple[str | None, DeploymentStatus]], cut: int
) -> None:
    history = [deployment(number, version, status=status) for number, (version, status) in enumerate(rows, 1)]
    moment = START + timedelta(hours=cut)
    known_then = [item for item in history if item.took_effect_at <= moment]
    now = live_version(history, "fraud", "production", at=moment)
    then = live_version(known_then, "fraud", "production", at=moment)
    assert replace(now, until=None) == replace(then, until=None)
