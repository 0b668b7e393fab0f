"""Environments over REST."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.sandbox.environment_records import guess_tier, name_complaint, slug
from tests.sandbox.delivery import PICKUP, Workbench


def create(bench: Workbench, name: str, role: httpx.Client | None = None, **body: Any) -> httpx.Response:
    return bench.post("/environments", {"name": f"{bench.name}{name}", **body}, role)


def test_create_read_change_stop_delete(bench: Workbench) -> None:
    answer = create(bench, "/fraud", description="Scores", external_url="https://fraud.example", tier="production")
    assert answer.status_code == 201
    made = answer.json()
    assert list(made) == [
        "id", "name", "slug", "external_url", "created_at", "updated_at", "tier", "project", "state", "auto_stop_at",
        "description", "auto_stop_setting",
    ]  # fmt: skip
    assert (made["tier"], made["state"], made["auto_stop_setting"]) == ("production", "available", "always")
    assert made["project"]["path_with_namespace"] == "sandbox/empty"
    path = f"{bench.project}/environments/{made['id']}"
    shown = bench.developer.get(path).json()
    assert shown["last_deployment"] is None
    assert "project" not in shown
    changed = bench.developer.put(path, json={"tier": "staging", "external_url": ""}).json()
    assert (changed["tier"], changed["external_url"], changed["name"]) == ("staging", None, made["name"])
    assert bench.developer.delete(path).json() == {"message": "403 Forbidden"}
    stopped = bench.developer.post(f"{path}/stop")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "stopped")
    assert bench.developer.delete(path).status_code == 204
    gone = bench.developer.get(path)
    assert (gone.status_code, gone.json()) == (404, {"message": "404 Not found"})


def test_refusals_in_gitlabs_words(bench: Workbench) -> None:
    def refused(answer: httpx.Response, body: Any) -> None:
        assert (answer.status_code, answer.json()) == (400, body)

    made = create(bench, "").json()
    path = f"{bench.project}/environments/{made['id']}"
    url = "is blocked: Only allowed schemes are http, https"
    refused(create(bench, ""), {"message": ["Name has already been taken"]})
    refused(create(bench, "x", external_url="ftp://x"), {"message": [f"External url {url}"]})
    refused(bench.developer.put(path, json={"external_url": "ftp://x"}), {"message": {"external_url": [url]}})
    refused(create(bench, "y", slug="y"), {"error": "slug is automatically generated and cannot be changed"})
    refused(create(bench, "y", tier="moon"), {"error": "tier does not have a valid value"})
    refused(bench.post("/environments", {}), {"error": "name is missing"})
    agent = "400 Bad request - cluster agent doesn't exist or cannot be associated with this environment"
    refused(create(bench, "y", cluster_agent_id=1), {"message": agent})
    listing = f"{bench.project}/environments"
    both = bench.developer.get(listing, params={"name": "a", "search": "abc"})
    refused(both, {"error": "name, search cannot be used together"})
    short = bench.developer.get(listing, params={"search": "ab"})
    refused(short, {"message": "400 Bad request - Search query is less than 3 characters"})
    state = bench.developer.get(listing, params={"states": "gone"})
    refused(state, {"error": "states does not have a valid value"})
    assert create(bench, "z", bench.reporter).json() == {"message": "403 Forbidden"}


def test_lists_are_filtered_by_name_and_state(bench: Workbench) -> None:
    for name in ("/blue", "/green", "-other"):
        create(bench, name)
    stopped = bench.get("/environments", name=f"{bench.name}/green")[0]
    bench.post(f"/environments/{stopped['id']}/stop")

    def names(**params: str) -> list[str]:
        return [one["name"].removeprefix(bench.name) for one in bench.get("/environments", per_page=100, **params)]

    assert names(search=bench.name) == ["/blue", "/green", "-other"]
    assert names(search=f"{bench.name}/") == ["/blue", "/green"]
    assert names(search=f"{bench.name}/", states="stopped") == ["/green"]
    assert "/green" in names(search="gree")
    assert "last_deployment" not in bench.get("/environments")[0]


WITH_STOP = """
ship: {script: [sleep 5], environment: {name: NAME, on_stop: stop it}}
stop it: {script: [sleep 5], when: manual, environment: {name: NAME, action: stop}}
"""


def test_stopping_runs_the_stop_job(bench: Workbench) -> None:
    bench.configure(WITH_STOP.replace("NAME", bench.name))
    pipeline = bench.run()
    bench.advance(60)
    (deployment,) = bench.deployments()
    assert deployment["deployable"]["name"] == "ship"
    path = f"/environments/{deployment['environment']['id']}"
    answer = bench.post(f"{path}/stop")
    assert (answer.status_code, answer.json()["state"]) == (200, "stopping")
    assert bench.jobs(pipeline)["stop it"]["status"] == "pending"
    bench.advance(PICKUP + 10)
    assert bench.get(path)["state"] == "stopped"
    # deploying there again makes it available
    bench.post(f"/jobs/{deployment['deployable']['id']}/retry")
    bench.advance(60)
    assert bench.get(path)["state"] == "available"
    forced = bench.post(f"{path}/stop", {"force": True})
    assert forced.json()["state"] == "stopped"


def test_an_environment_that_only_its_job_may_stop(bench: Workbench) -> None:
    made = create(bench, "", auto_stop_setting="with_action").json()
    answer = bench.post(f"/environments/{made['id']}/stop")
    text = "400 Bad request - Attempted to stop the environment but failed to change the status"
    assert (answer.status_code, answer.json()) == (400, {"message": text})
    assert bench.get(f"/environments/{made['id']}")["state"] == "available"


def test_stale_environments_and_review_apps(bench: Workbench) -> None:
    recent = bench.post("/environments/stop_stale", {"before": "2026-06-01"})
    assert (recent.status_code, recent.json()) == (400, {"message": "400 Bad request - Invalid Date"})
    done = bench.post("/environments/stop_stale", {"before": "2026-01-01"})
    assert done.json() == {"message": "Successfully requested stop for all stale environments"}
    tried = bench.developer.delete(f"{bench.project}/environments/review_apps")
    assert tried.json() == {"scheduled_entries": [], "unprocessable_entries": []}


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("production", "production"),
        ("PROD-eu", "production"),
        ("live", "production"),
        ("staging", "staging"),
        ("pre-prod", "staging"),
        ("model-a", "staging"),
        ("review/42", "development"),
        ("integration", "testing"),
        ("sprint", "testing"),
        ("acceptance", "testing"),
        ("blue", "other"),
    ],
)
def test_tiers_are_guessed_from_any_part_of_the_name(name: str, tier: str) -> None:
    assert guess_tier(name) == tier


def test_slugs() -> None:
    assert slug("production") == "production"
    assert slug("production/fraud").startswith("production-fraud-")
    assert slug("1st").startswith("env-1st-")
    assert slug("Production") != slug("production")


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=60))
def test_every_slug_is_one(name: str) -> None:
    made = slug(name)
    assert len(made) <= 24
    assert made[0].isalpha()
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert made == slug(name)


@pytest.mark.parametrize("name", ["/a", "a/", "a:b", "", "ü", "a" * 256])
def test_impossible_names(name: str) -> None:
    assert name_complaint(name)


@pytest.mark.parametrize("name", ["a", "review/feature-1", "a b", "$X{}", "a.b_c"])
def test_possible_names(name: str) -> None:
    assert name_complaint(name) is None


def test_a_job_with_an_impossible_environment_fails(bench: Workbench) -> None:
    bench.configure("ship: {script: [true], environment: {name: 'a:b'}}")
    pipeline = bench.run()
    bench.advance(10)
    job = bench.jobs(pipeline)["ship"]
    assert (job["status"], job["failure_reason"]) == ("failed", "environment_creation_failure")
    assert bench.pipeline(pipeline)["status"] == "failed"
