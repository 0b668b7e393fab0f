"""The weight of a canary ingress: refused in GitLab's words, unless a hook connected a cluster."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandbox.delivery import Workbench

SET_WEIGHT = """mutation($id: EnvironmentID!, $weight: Int!) {
environmentsCanaryIngressUpdate(input: {id: $id, weight: $weight}) { errors } }"""


def set_weight(bench: Workbench, environment: int, weight: int) -> list[str]:
    variables: dict[str, Any] = {"id": f"gid://gitlab/Environment/{environment}", "weight": weight}
    asked = {"query": SET_WEIGHT, "variables": variables}
    answer = bench.developer.post(f"{bench.server.url}/api/graphql", json=asked).json()
    found: list[str] = answer["data"]["environmentsCanaryIngressUpdate"]["errors"]
    return found


def test_a_cluster_has_to_be_connected(bench: Workbench) -> None:
    environment = bench.post("/environments", {"name": bench.name}).json()["id"]
    (project_id,) = [project["id"] for project in bench.server.projects]
    hook = f"{bench.server.url}/-/sandbox/projects/{project_id}/cluster"
    (refused,) = set_weight(bench, environment, 25)
    assert "deactivated as part of the certificate-basedkubernetes integration removal" in refused
    try:
        assert httpx.put(hook, trust_env=False).status_code == 204
        assert set_weight(bench, environment, 25) == []
        assert set_weight(bench, environment, 101) == ["Canary weight must be specified and valid range (0..100)."]
    finally:
        assert httpx.delete(hook, trust_env=False).status_code == 204
    assert set_weight(bench, environment, 25) == [refused]
    assert httpx.put(hook.replace(str(project_id), "987654"), trust_env=False).status_code == 404
