"""The Unleash client that serving applications use reads the sandbox's feature flags."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_tui.sandbox.inference.flags import Caller, Flags
from tests.sandbox.factory import client

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-clients" / "bin" / "python"
SCRIPT = Path(__file__).parent / "scripts" / "read_flags.py"

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not PYTHON.exists(), reason="the environment of the foreign clients is not installed"),
]


def rollout(percent: str, group: str) -> dict[str, Any]:
    parameters = {"groupId": group, "rollout": percent, "stickiness": "userId"}
    return {"name": "flexibleRollout", "parameters": parameters, "scopes": [{"environment_scope": "production"}]}


def everywhere(name: str, **parameters: str) -> dict[str, Any]:
    return {"name": name, "parameters": parameters, "scopes": [{"environment_scope": "*"}]}


def evaluated(server: RunningSandbox, environment: str, folder: Path) -> dict[str, list[str]]:
    """Run the client in a process of its own and return for which users each flag is on."""
    project_id = server.project_id("sandbox/empty")
    instance = httpx.get(f"{server.url}/-/sandbox/projects/{project_id}/unleash", trust_env=False).json()
    done = subprocess.run(
        [PYTHON, SCRIPT, instance["url"], instance["instance_id"], environment],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    enabled: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return enabled


def test_the_client_sees_what_gitlab_would_send(sandbox: SandboxFactory, tmp_path: Path) -> None:
    server = sandbox(fresh=True)
    api, flags = client(server), f"/projects/{server.project_id('sandbox/empty')}/feature_flags"
    listed = api.post(f"{flags}_user_lists", json={"name": "testers", "user_xids": "3,5"}).json()
    user_list = {**everywhere("gitlabUserList"), "user_list_id": listed["id"]}
    for name, strategies, active in (
        ("canary", [rollout("30", "canary")], True),
        ("same-split", [rollout("30", "canary")], True),
        ("other-split", [rollout("30", "other")], True),
        ("for-some", [everywhere("userWithId", userIds="1,2")], True),
        ("for-testers", [user_list], True),
        ("for-all", [everywhere("default")], True),
        ("off", [everywhere("default")], False),
        ("nowhere", [], True),
    ):
        made = api.post(flags, json={"name": name, "active": active, "strategies": strategies})
        assert made.status_code == 201, made.text

    production = evaluated(server, "production", tmp_path)
    assert set(production) == {"canary", "same-split", "other-split", "for-some", "for-testers", "for-all", "off"}
    assert len(production["for-all"]) == 1000
    assert production["off"] == []
    assert production["for-some"] == ["1", "2"]
    assert production["for-testers"] == ["3", "5"]
    # the client hashes group and user: 30 % give or take, the same people for the same group only
    assert 250 <= len(production["canary"]) <= 350
    assert production["same-split"] == production["canary"]
    assert production["other-split"] != production["canary"]
    staging = evaluated(server, "staging", tmp_path)
    assert set(staging) == {"for-some", "for-testers", "for-all", "off"}


def test_the_demos_gateway_chooses_the_users_that_unleash_chooses(sandbox: SandboxFactory, tmp_path: Path) -> None:
    server = sandbox(fresh=True)
    project_id = server.project_id("sandbox/empty")
    shares = {"small": ("3", "small"), "large": ("71", "large"), "other": ("30", "abcdefgh"), "none": ("0", "a")}
    strategies = {name: [rollout(*share)] for name, share in shares.items()}
    strategies["gradual"] = [everywhere("gradualRolloutUserId", percentage="42", groupId="gradual")]
    strategies["listed"] = [everywhere("userWithId", userIds="7,8,900")]
    strategies["joined"] = [rollout("20", "one"), rollout("20", "two")]
    for name, chosen in strategies.items():
        made = client(server).post(f"/projects/{project_id}/feature_flags", json={"name": name, "strategies": chosen})
        assert made.status_code == 201, made.text
    theirs = evaluated(server, "production", tmp_path)

    instance = httpx.get(f"{server.url}/-/sandbox/projects/{project_id}/unleash", trust_env=False).json()
    headers = {"UNLEASH-INSTANCEID": instance["instance_id"], "UNLEASH-APPNAME": "production"}
    answer = httpx.get(f"{instance['url']}/client/features", headers=headers, trust_env=False)
    flags = Flags.from_document(answer.json())
    users = [str(number) for number in range(1000)]
    ours = {name: [user for user in users if flags.is_enabled(name, Caller(user), lambda: 1.0)] for name in strategies}
    assert ours == theirs
    assert 0 < len(ours["small"]) < 60 < 360 < len(ours["joined"]) + len(ours["gradual"])
