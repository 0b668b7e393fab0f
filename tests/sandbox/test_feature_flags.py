"""Feature flags and their user lists over REST."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mlops_tui.sandbox.settings import Tier
from tests.sandbox.delivery import Workbench
from tests.sandbox.factory import SandboxFactory, client

CANARY: dict[str, Any] = {
    "name": "flexibleRollout",
    "parameters": {"groupId": "fraud", "rollout": "10", "stickiness": "default"},
}


def flag(bench: Workbench, suffix: str = "", **body: Any) -> httpx.Response:
    return bench.post("/feature_flags", {"name": f"{bench.name}{suffix}", **body})


def change(bench: Workbench, **body: Any) -> httpx.Response:
    return bench.developer.put(f"{bench.project}/feature_flags/{bench.name}", json=body)


def test_create_and_read(bench: Workbench) -> None:
    strategy = {**CANARY, "scopes": [{"environment_scope": "production"}]}
    answer = flag(bench, description="10% to v7", strategies=[strategy])
    assert answer.status_code == 201
    made = answer.json()
    assert list(made) == [
        "name", "description", "active", "version", "created_at", "updated_at", "scopes", "strategies",
    ]  # fmt: skip
    assert (made["active"], made["version"], made["scopes"]) == (True, "new_version_flag", [])
    (stored,) = made["strategies"]
    assert (stored["name"], stored["parameters"], stored["user_list"]) == (CANARY["name"], CANARY["parameters"], None)
    assert [scope["environment_scope"] for scope in stored["scopes"]] == ["production"]
    assert bench.developer.get(f"{bench.project}/feature_flags/{bench.name}").json() == made


def test_a_change_merges_strategies(bench: Workbench) -> None:
    made = flag(bench, strategies=[{**CANARY, "scopes": [{"environment_scope": "production"}]}]).json()
    first = made["strategies"][0]
    ramp = {**CANARY["parameters"], "rollout": "25"}
    bench.advance(60)
    ramped = change(bench, strategies=[{"id": first["id"], "name": CANARY["name"], "parameters": ramp}]).json()
    assert [one["parameters"]["rollout"] for one in ramped["strategies"]] == ["25"]
    assert ramped["strategies"][0]["scopes"] == first["scopes"]
    assert ramped["updated_at"] > made["updated_at"]
    added = change(bench, strategies=[{"name": "default", "parameters": {}, "scopes": [{"environment_scope": "*"}]}])
    assert [one["name"] for one in added.json()["strategies"]] == ["flexibleRollout", "default"]
    scope = {"id": first["scopes"][0]["id"], "_destroy": True}
    scoped = change(
        bench, strategies=[{"id": first["id"], "scopes": [scope, {"environment_scope": "review/*"}]}]
    ).json()
    assert [one["environment_scope"] for one in scoped["strategies"][0]["scopes"]] == ["review/*"]
    removed = change(bench, active=False, strategies=[{"id": first["id"], "_destroy": True}]).json()
    assert [one["name"] for one in removed["strategies"]] == ["default"]
    assert removed["active"] is False
    unknown = change(bench, strategies=[{"id": 999_999, "_destroy": True}])
    assert (unknown.status_code, unknown.json()) == (404, {"message": "404 Not found"})


def test_rename_and_delete(bench: Workbench) -> None:
    flag(bench)
    assert change(bench, name=f"{bench.name}-new").json()["name"] == f"{bench.name}-new"
    gone = bench.developer.get(f"{bench.project}/feature_flags/{bench.name}")
    assert (gone.status_code, gone.json()) == (404, {"message": "404 Not found"})
    deleted = bench.developer.delete(f"{bench.project}/feature_flags/{bench.name}-new")
    assert (deleted.status_code, deleted.json()["name"]) == (200, f"{bench.name}-new")
    assert bench.developer.get(f"{bench.project}/feature_flags/{bench.name}-new").status_code == 404


PARAMETERS = "Strategies parameters "


@pytest.mark.parametrize(
    ("name", "parameters", "sentences"),
    [
        ("fast", {}, ["Strategies name strategy name is invalid"]),
        ("default", {"x": "1"}, [f"{PARAMETERS}parameters are invalid"]),
        ("flexibleRollout", {"groupId": "a", "rollout": "10"}, [f"{PARAMETERS}parameters are invalid"]),
        (
            "flexibleRollout",
            {"groupId": "v7", "rollout": 10, "stickiness": "ip"},
            [
                f"{PARAMETERS}rollout must be a string between 0 and 100 inclusive",
                f"{PARAMETERS}stickiness parameter must be default, userId, sessionId, or random",
                f"{PARAMETERS}groupId parameter is invalid",
            ],
        ),
        (
            "gradualRolloutUserId",
            {"groupId": "a", "percentage": "101"},
            [f"{PARAMETERS}percentage must be a string between 0 and 100 inclusive"],
        ),
        (
            "gradualRolloutUserId",
            {"groupId": "a", "percentage": "07"},
            [f"{PARAMETERS}percentage must be a string between 0 and 100 inclusive"],
        ),
        (
            "userWithId",
            {"userIds": "a, b"},
            [f"{PARAMETERS}userIds must be a string of unique comma separated values each 256 characters or less"],
        ),
        (
            "userWithId",
            {"userIds": "a,a"},
            [f"{PARAMETERS}userIds must be a string of unique comma separated values each 256 characters or less"],
        ),
        ("gitlabUserList", {}, ["Strategies user list can't be blank"]),
    ],
)
def test_strategies_are_checked_exactly(bench: Workbench, name: str, parameters: Any, sentences: list[str]) -> None:
    strategy = {"name": name, "parameters": parameters}
    answer = flag(bench, strategies=[strategy])
    assert (answer.status_code, answer.json()) == (400, {"message": sentences})
    assert flag(bench).status_code == 201
    assert change(bench, strategies=[strategy]).json() == {"message": sentences}


@pytest.mark.parametrize("name", ["A", "1a", "a-", "a_", "a b", "x" * 64, "a"])
def test_names_that_gitlab_refuses(bench: Workbench, name: str) -> None:
    answer = bench.post("/feature_flags", {"name": name})
    assert answer.status_code == 400
    assert isinstance(answer.json()["message"], list)


def test_other_refusals(bench: Workbench) -> None:
    flag(bench)
    assert flag(bench).json() == {"message": ["Name has already been taken"]}
    assert bench.post("/feature_flags", {}).json() == {"error": "name is missing"}
    old = flag(bench, "-old", version="legacy_flag")
    assert (old.status_code, old.json()) == (400, {"message": "Version is invalid"})
    long = flag(bench, "-long", description="x" * 256)
    assert long.json() == {"message": ["Description is too long (maximum is 255 characters)"]}
    for answer in (
        bench.reporter.get(f"{bench.project}/feature_flags"),
        bench.post("/feature_flags", {"name": "ab"}, bench.reporter),
    ):
        assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


def test_lists_are_by_name_and_by_state(bench: Workbench) -> None:
    for suffix, active in (("-b", True), ("-a", False), ("-c", True)):
        flag(bench, suffix, active=active)

    def names(**params: str) -> list[str]:
        found = bench.get("/feature_flags", per_page=100, **params)
        return [one["name"].removeprefix(bench.name) for one in found if one["name"].startswith(bench.name)]

    assert names() == ["-a", "-b", "-c"]
    assert names(scope="enabled") == ["-b", "-c"]
    assert names(scope="disabled") == ["-a"]


def test_the_free_plan_allows_fifty(sandbox: SandboxFactory) -> None:
    server = sandbox(tier=Tier.FREE)
    flags = f"/projects/{server.project_id('sandbox/empty')}/feature_flags"
    api = client(server)
    for number in range(50):
        assert api.post(flags, json={"name": f"flag-{number}"}).status_code == 201
    answer = api.post(flags, json={"name": "one-more"})
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": ["Maximum number of project feature flags (50) exceeded"]},
    )


def test_user_lists(bench: Workbench) -> None:
    lists = f"{bench.project}/feature_flags_user_lists"
    answer = bench.developer.post(lists, json={"name": bench.name, "user_xids": "a,b"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["path"] == f"/sandbox/empty/-/feature_flags_user_lists/{made['iid']}"
    assert made["edit_path"] == f"{made['path']}/edit"
    twice = bench.developer.post(lists, json={"name": bench.name, "user_xids": "a"})
    assert (twice.status_code, twice.json()) == (400, {"message": ["Name has already been taken"]})
    missing = bench.developer.post(lists, json={"name": "x"})
    assert (missing.status_code, missing.json()) == (400, {"message": "user_xids is missing"})
    strategy = {"name": "gitlabUserList", "parameters": {}, "user_list_id": made["id"]}
    stored = flag(bench, strategies=[strategy]).json()["strategies"][0]["user_list"]
    assert stored == {"id": made["id"], "iid": made["iid"], "name": bench.name, "user_xids": "a,b"}
    forbidden = change(bench, strategies=[{**CANARY, "user_list_id": made["id"]}])
    assert forbidden.json() == {"message": ["Strategies user list must be blank"]}
    foreign = change(bench, strategies=[{**strategy, "user_list_id": 999_999}])
    assert (foreign.status_code, foreign.json()) == (404, {"message": "Not Found"})
    one = f"{lists}/{made['iid']}"
    used = bench.developer.delete(one)
    assert (used.status_code, used.json()) == (409, {"message": ["User list is associated with a strategy"]})
    assert bench.developer.put(one, json={"user_xids": "c"}).json()["user_xids"] == "c"
    bench.developer.delete(f"{bench.project}/feature_flags/{bench.name}")
    assert bench.developer.delete(one).status_code == 204
    assert bench.developer.get(one).json() == {"message": "404 Not found"}
