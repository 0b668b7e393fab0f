"""What Unleash clients poll."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.delivery import Workbench


@pytest.fixture
def instance(bench: Workbench) -> dict[str, str]:
    """Return the address and the instance id of the project."""
    project_id = bench.project.rsplit("/", 1)[1]
    found: dict[str, str] = httpx.get(f"{bench.server.url}/-/sandbox/projects/{project_id}/unleash").json()
    return found


def features(bench: Workbench, instance: dict[str, str], environment: str | None) -> dict[str, dict[str, Any]]:
    headers = {"UNLEASH-INSTANCEID": instance["instance_id"]}
    if environment is not None:
        headers["UNLEASH-APPNAME"] = environment
    answer = httpx.get(f"{instance['url']}/client/features", headers=headers)
    assert answer.status_code == 200
    content = answer.json()
    assert content["version"] == 1
    return {
        feature["name"].removeprefix(bench.name): feature
        for feature in content["features"]
        if feature["name"].startswith(bench.name)
    }


def add(bench: Workbench, suffix: str, *strategies: dict[str, Any], **body: Any) -> None:
    answer = bench.post("/feature_flags", {"name": f"{bench.name}{suffix}", "strategies": list(strategies), **body})
    assert answer.status_code == 201, answer.text


def rollout(percent: str, *scopes: str) -> dict[str, Any]:
    parameters = {"groupId": "fraud", "rollout": percent, "stickiness": "random"}
    shown = [{"environment_scope": scope} for scope in scopes]
    return {"name": "flexibleRollout", "parameters": parameters, "scopes": shown}


def test_a_flag_shows_where_a_scope_fits(bench: Workbench, instance: dict[str, str]) -> None:
    add(bench, "-everywhere", rollout("5", "*"))
    add(bench, "-production", rollout("10", "production"))
    add(bench, "-review", rollout("15", "review/*"))
    add(bench, "-nowhere")
    assert set(features(bench, instance, "production")) == {"-everywhere", "-production"}
    assert set(features(bench, instance, "review/42")) == {"-everywhere", "-review"}
    assert set(features(bench, instance, "staging")) == {"-everywhere"}
    assert features(bench, instance, None) == {}


def test_scopes_add_up(bench: Workbench, instance: dict[str, str]) -> None:
    """A specific scope does not override the wildcard: both strategies are sent, and the client joins them by or."""
    add(bench, "-both", rollout("5", "*"), rollout("50", "production"))
    (feature,) = features(bench, instance, "production").values()
    assert [one["parameters"]["rollout"] for one in feature["strategies"]] == ["5", "50"]
    assert feature["strategies"][0] == {"name": "flexibleRollout", "parameters": rollout("5")["parameters"]}


def test_an_inactive_flag_is_sent_as_disabled(bench: Workbench, instance: dict[str, str]) -> None:
    add(bench, "-off", rollout("100", "*"), active=False, description="later")
    add(bench, "-on", rollout("100", "*"))
    found = features(bench, instance, "staging")
    assert (found["-off"]["enabled"], found["-off"]["description"]) == (False, "later")
    assert found["-on"]["enabled"] is True
    assert "description" not in found["-on"]


def test_a_user_list_is_sent_as_its_users(bench: Workbench, instance: dict[str, str]) -> None:
    listed = bench.post("/feature_flags_user_lists", {"name": bench.name, "user_xids": "ann,bob"}).json()
    strategy = {"name": "gitlabUserList", "parameters": {}, "user_list_id": listed["id"]}
    add(bench, "-list", {**strategy, "scopes": [{"environment_scope": "*"}]})
    (feature,) = features(bench, instance, "x").values()
    assert feature["strategies"] == [{"name": "userWithId", "parameters": {"userIds": "ann,bob"}}]


def test_the_credential_is_the_instance_id(bench: Workbench, instance: dict[str, str]) -> None:
    url, secret = instance["url"], instance["instance_id"]
    assert httpx.get(f"{url}/features", params={"instance_id": secret, "app_name": "x"}).status_code == 200
    assert httpx.get(url, params={"instance_id": secret}).status_code == 200
    for action in ("register", "metrics"):
        sent = httpx.post(f"{url}/client/{action}", headers={"UNLEASH-INSTANCEID": secret}, json={"appName": "x"})
        assert sent.status_code == 200
    wrong = [
        httpx.get(f"{url}/client/features"),
        httpx.get(f"{url}/client/features", headers={"UNLEASH-INSTANCEID": secret + "x"}),
        httpx.get(f"{url}/client/features", headers=dict(bench.developer.headers)),
        httpx.post(f"{url}/client/register", json={}),
        httpx.get(f"{url.rsplit('/', 1)[0]}/999999/client/features", headers={"UNLEASH-INSTANCEID": secret}),
        httpx.get(f"{url.rsplit('/', 1)[0]}/sandbox%2Fempty/client/features", headers={"UNLEASH-INSTANCEID": secret}),
    ]
    for answer in wrong:
        assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_nothing_new_is_a_304(bench: Workbench, instance: dict[str, str]) -> None:
    add(bench, "-one", rollout("5", "*"))
    headers = {"UNLEASH-INSTANCEID": instance["instance_id"], "UNLEASH-APPNAME": "x"}
    url = f"{instance['url']}/client/features"
    first = httpx.get(url, headers=headers)
    again = {**headers, "If-None-Match": first.headers["etag"]}
    assert httpx.get(url, headers=again).status_code == 304
    add(bench, "-two", rollout("5", "*"))
    assert httpx.get(url, headers=again).status_code == 200
