"""What the sandbox tells its inference service to serve, and the switches that make it go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_tui.sandbox.settings import World
from tests.sandbox.factory import client

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

HOOK = "/-/sandbox/inference"


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(world=World.DEMO, fresh=True)


def plan(server: RunningSandbox) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(server.url + HOOK, trust_env=False).json()
    return found


def versions(server: RunningSandbox) -> dict[str, str]:
    return {arm["arm"]: arm["version"] for arm in plan(server)["arms"]}


def test_the_arms_serve_what_is_live_and_what_comes_next(server: RunningSandbox) -> None:
    found = plan(server)
    assert versions(server) == {"stable": "2.0.0", "canary": "2.1.0"}
    assert [arm["flag"] for arm in found["arms"]] == [None, "fraud-canary"]
    assert all(len(arm["commit"]) == 40 for arm in found["arms"])
    assert found["project"] == {"id": server.project_id("acme/fraud"), "path": "acme/fraud"}
    headers = {"UNLEASH-INSTANCEID": found["unleash"]["instance_id"], "UNLEASH-APPNAME": found["environment"]}
    polled = httpx.get(f"{found['unleash']['url']}/client/features", headers=headers, trust_env=False)
    assert polled.status_code == 200


def test_a_rollout_under_way_decides_what_the_canary_serves(server: RunningSandbox) -> None:
    flags = f"/projects/{server.project_id('acme/fraud')}/feature_flags"
    api = client(server)
    described = {"description": "fraud 1.2.1 -> production [rollout 0a1b2c3d over 2.0.0 step 1]"}
    if api.get(f"{flags}/fraud-canary").status_code == 404:
        api.post(flags, json={"name": "fraud-canary"})
    assert api.put(f"{flags}/fraud-canary", json=described).status_code == 200
    assert versions(server) == {"stable": "2.0.0", "canary": "1.2.1"}
    assert api.put(f"{flags}/fraud-canary", json={"description": "by hand"}).status_code == 200
    assert versions(server) == {"stable": "2.0.0", "canary": "2.1.0"}


def test_switches_are_set_one_by_one_and_all_back(server: RunningSandbox) -> None:
    def post(body: Any) -> httpx.Response:
        return httpx.post(server.url + HOOK, json=body, trust_env=False)

    before = plan(server)["switches"]
    assert post({"canary_errors": 0.3}).status_code == 200
    changed = post({"amount_factor": 2}).json()["switches"]
    assert changed == {**before, "canary_errors": 0.3, "amount_factor": 2.0}
    for wrong in ({"canary_errors": 1.5}, {"canary_errors": True}, {"rate": 1000}, {"turbo": 1}, [1]):
        refused = post(wrong)
        assert refused.status_code == 400
        assert "is no switch" in refused.text or "is a number from" in refused.text
    assert plan(server)["switches"] == changed
    httpx.delete(server.url + HOOK, trust_env=False)
    assert plan(server)["switches"] == before


def test_a_world_without_the_model_has_nothing_to_serve(sandbox: SandboxFactory) -> None:
    assert httpx.get(sandbox().url + HOOK, trust_env=False).status_code == 404
