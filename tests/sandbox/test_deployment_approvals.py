"""Protected environments and the approval of deployments to them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mlops_tui.sandbox.settings import Tier
from tests.sandbox.delivery import PICKUP, Workbench
from tests.sandbox.factory import SandboxFactory, client

AUTOMATIC = "ship: {script: [sleep 10], environment: {name: NAME, deployment_tier: production}}"
MAINTAINERS = {"access_level": 40}
DEVELOPERS = {"access_level": 30}
PLAYERS = [DEVELOPERS]


def protect(bench: Workbench, **body: Any) -> httpx.Response:
    given = {"name": bench.name, "deploy_access_levels": PLAYERS, "approval_rules": [MAINTAINERS], **body}
    return bench.post("/protected_environments", given, bench.maintainer)


def deploy(bench: Workbench) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the deployment that the developer's pipeline made, and its job."""
    bench.configure(AUTOMATIC.replace("NAME", bench.name))
    pipeline = bench.run()
    bench.advance(PICKUP)
    return bench.deployments()[-1], bench.jobs(pipeline)["ship"]


def decide(
    bench: Workbench, deployment: dict[str, Any], role: httpx.Client, status: str, **more: Any
) -> httpx.Response:
    return bench.post(f"/deployments/{deployment['id']}/approval", {"status": status, **more}, role)


def shown(bench: Workbench, deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bench.get(f"/deployments/{deployment['id']}")
    return found


def test_approval_lets_the_job_be_played_but_does_not_start_it(bench: Workbench) -> None:
    assert protect(bench).status_code == 201
    deployment, job = deploy(bench)
    assert (deployment["status"], job["status"]) == ("blocked", "manual")
    play = f"/jobs/{job['id']}/play"
    early = bench.post(play)
    assert (early.status_code, early.json()) == (400, {"message": "400 Bad request - Unplayable Job"})
    assert shown(bench, deployment)["pending_approval_count"] == 1

    answer = decide(bench, deployment, bench.approver, "approved", comment="bias report ok")
    assert answer.status_code == 201
    assert list(answer.json()) == ["user", "status", "created_at", "comment"]
    assert (answer.json()["user"]["username"], answer.json()["comment"]) == ("ada", "bias report ok")
    after = shown(bench, deployment)
    assert (after["status"], after["pending_approval_count"]) == ("blocked", 0)
    assert [approval["user"]["username"] for approval in after["approvals"]] == ["ada"]
    (rule,) = after["approval_summary"]["rules"]
    assert (rule["access_level_description"], rule["required_approvals"]) == ("Maintainers", 1)
    bench.advance(60)
    assert bench.get(f"/jobs/{job['id']}")["status"] == "manual"
    late = decide(bench, deployment, bench.maintainer, "rejected")
    assert (late.status_code, late.json()) == (400, {"message": "This deployment is not waiting for approvals."})
    assert bench.post(play).status_code == 200
    bench.advance(60)
    assert shown(bench, deployment)["status"] == "success"
    # rolling back to it needs approval again
    retried = bench.post(f"/jobs/{job['id']}/retry").json()
    assert retried["status"] == "manual"
    assert bench.deployments()[-1]["status"] == "blocked"


def test_rejection_ends_the_job_for_good(bench: Workbench) -> None:
    protect(bench)
    deployment, job = deploy(bench)
    assert decide(bench, deployment, bench.approver, "rejected", comment="no").status_code == 201
    dropped = bench.get(f"/jobs/{job['id']}")
    assert (dropped["status"], dropped["failure_reason"]) == ("failed", "deployment_rejected")
    assert shown(bench, deployment)["status"] == "failed"
    retried = bench.post(f"/jobs/{job['id']}/retry")
    assert (retried.status_code, retried.json()["message"]) == (403, "403 Forbidden - Job is not retryable")
    assert bench.post(f"/jobs/{job['id']}/play").status_code == 400
    # changing one's mind is stored and revives nothing
    changed = decide(bench, deployment, bench.approver, "approved", comment="yes")
    assert (changed.status_code, changed.json()["comment"]) == (201, "yes")
    assert shown(bench, deployment)["status"] == "failed"


def test_a_repeated_decision_changes_nothing(bench: Workbench) -> None:
    protect(bench, approval_rules=[{**MAINTAINERS, "required_approvals": 2}])
    deployment, _ = deploy(bench)
    assert decide(bench, deployment, bench.approver, "approved", comment="first").status_code == 201
    again = decide(bench, deployment, bench.approver, "approved", comment="second")
    assert (again.status_code, again.json()["comment"]) == (201, "first")
    assert shown(bench, deployment)["pending_approval_count"] == 1
    assert decide(bench, deployment, bench.maintainer, "approved").status_code == 201
    assert shown(bench, deployment)["pending_approval_count"] == 0


def refused(answer: httpx.Response, text: Any) -> None:
    assert (answer.status_code, answer.json()) == (400, {"message": text})


def test_refusals_in_gitlabs_order(bench: Workbench) -> None:
    deployment, _ = deploy(bench)
    refused(decide(bench, deployment, bench.developer, "approved"), "This environment is not protected.")
    protect(bench, approval_rules=[])
    own = (
        "You cannot approve your own deployment. "
        "This configuration can be adjusted in the protected environment settings."
    )
    refused(decide(bench, deployment, bench.developer, "approved"), own)
    none = "Deployment approvals is not configured for this environment."
    refused(decide(bench, deployment, bench.approver, "approved"), none)
    path = f"{bench.project}/protected_environments/{bench.name}"
    assert bench.maintainer.put(path, json={"approval_rules": [MAINTAINERS]}).status_code == 200
    nobody = "You don't have permission to approve this deployment. Contact the project or group owner for help."
    refused(decide(bench, deployment, bench.reporter, "approved"), nobody)
    wrong = (
        "There are no approval rules for the given `represent_as` parameter. Use a valid User/Group/Role name instead."
    )
    refused(decide(bench, deployment, bench.approver, "approved", represented_as="Painters"), wrong)
    long = ["Comment is too long (maximum is 255 characters)"]
    refused(decide(bench, deployment, bench.approver, "approved", comment="x" * 256), long)
    bad = decide(bench, deployment, bench.approver, "maybe")
    assert (bad.status_code, bad.json()) == (400, {"error": "status does not have a valid value"})
    missing = decide(bench, {"id": 999_999}, bench.approver, "approved")
    assert (missing.status_code, missing.json()) == (404, {"message": "404 Not found"})
    named = decide(bench, deployment, bench.approver, "approved", represented_as="Maintainers")
    assert named.status_code == 201


def test_the_project_may_allow_ones_own_approval(bench: Workbench) -> None:
    protect(bench, approval_rules=[DEVELOPERS])
    deployment, _ = deploy(bench)
    assert decide(bench, deployment, bench.developer, "approved").status_code == 400
    bench.maintainer.put(bench.project, json={"allow_pipeline_trigger_approve_deployment": True})
    try:
        assert decide(bench, deployment, bench.developer, "approved").status_code == 201
    finally:
        bench.maintainer.put(bench.project, json={"allow_pipeline_trigger_approve_deployment": False})


def test_rejecting_ones_own_is_allowed(bench: Workbench) -> None:
    protect(bench, approval_rules=[DEVELOPERS])
    deployment, _ = deploy(bench)
    assert decide(bench, deployment, bench.developer, "rejected").status_code == 201


def test_deploying_and_approving_are_separate_lists(bench: Workbench) -> None:
    """A Reporter who is named may approve, and may still not deploy."""
    protect(bench, deploy_access_levels=[MAINTAINERS], approval_rules=[{"access_level": 20}])
    deployment, job = deploy(bench)
    assert decide(bench, deployment, bench.reporter, "approved").status_code == 201
    denied = bench.post(f"/jobs/{job['id']}/play")
    assert (denied.status_code, denied.json()) == (403, {"message": "403 Forbidden"})
    assert bench.post(f"/jobs/{job['id']}/play", role=bench.maintainer).status_code == 200


def test_protected_without_rules_an_automatic_job_fails(bench: Workbench) -> None:
    protect(bench, deploy_access_levels=[MAINTAINERS], approval_rules=[])
    _, job = deploy(bench)
    assert (job["status"], job["failure_reason"]) == ("failed", "protected_environment_failure")
    by_hand = {"environment": bench.name, "sha": job["commit"]["id"], "ref": bench.name, "tag": False}
    assert bench.post("/deployments", {**by_hand, "status": "success"}).status_code == 403


def test_protections_are_stored_and_changed(bench: Workbench) -> None:
    made = protect(
        bench, approval_rules=[{"user_id": 4}, {"user_id": 5}, {**MAINTAINERS, "required_approvals": 2}]
    ).json()
    assert made["name"] == bench.name
    (level,) = made["deploy_access_levels"]
    assert level["access_level_description"] == "Developers + Maintainers"
    assert made["required_approval_count"] == 0
    # a Reporter may not be named, and is dropped without a word
    assert [rule["access_level_description"] for rule in made["approval_rules"]] == ["Ada Lindqvist", "Maintainers"]
    path = f"{bench.project}/protected_environments/{bench.name}"
    drop = [{"id": made["approval_rules"][0]["id"], "_destroy": True}]
    change = [*drop, {"id": made["approval_rules"][1]["id"], "required_approvals": 3}]
    changed = bench.maintainer.put(path, json={"approval_rules": change}).json()
    assert [(rule["access_level"], rule["required_approvals"]) for rule in changed["approval_rules"]] == [(40, 3)]
    twice = protect(bench)
    assert (twice.status_code, twice.json()) == (409, {"message": f"Environment '{bench.name}' is already protected"})
    count = bench.maintainer.put(path, json={"required_approval_count": 1})
    assert count.status_code == 422
    assert count.json()["message"].startswith("Parameter 'required_approval_count' is deprecated")
    last = bench.maintainer.put(path, json={"deploy_access_levels": [{"id": level["id"], "_destroy": True}]})
    assert (last.status_code, last.json()["message"]) == (
        422,
        ["Deploy access levels is too short (minimum is 1 character)"],
    )
    assert bench.developer.get(path).status_code == 403
    assert bench.maintainer.delete(path).status_code == 204
    assert bench.maintainer.get(path).json() == {"message": "404 Not found"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"deploy_access_levels": [{"access_level": 25}]},
            "deploy_access_levels[0][access_level] does not have a valid value",
        ),
        (
            {"approval_rules": [{"required_approvals": 1}]},
            ", ".join(f"approval_rules[0][{key}]" for key in ("access_level", "user_id", "group_id"))
            + " are missing, at least one parameter must be provided",
        ),
        (
            {"approval_rules": [{"access_level": 40, "required_approvals": 6}]},
            "approval_rules[0][required_approvals] does not have a valid value",
        ),
    ],
)
def test_protections_that_gitlab_refuses(bench: Workbench, body: dict[str, Any], text: str) -> None:
    answer = protect(bench, **body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


def test_a_group_protects_a_tier(bench: Workbench) -> None:
    root = client(bench.server, token=bench.server.make_token("root"))
    group = bench.get("")["namespace"]["id"]
    path = f"/groups/{group}/protected_environments"
    body = {"name": "testing", "deploy_access_levels": [MAINTAINERS], "approval_rules": [MAINTAINERS]}
    assert bench.maintainer.post(path, json=body).status_code == 403
    assert root.post(path, json={**body, "name": "moon"}).json() == {"error": "name does not have a valid value"}
    assert root.post(path, json=body).status_code == 201
    try:
        again = root.post(path, json=body)
        assert again.json() == {"message": "Protected environment 'testing' already exists"}
        bench.configure(AUTOMATIC.replace("NAME", bench.name).replace("production", "testing"))
        bench.run()
        bench.advance(PICKUP)
        deployment = bench.deployments()[-1]
        assert deployment["status"] == "blocked"
        assert decide(bench, deployment, bench.approver, "approved").status_code == 201
    finally:
        assert root.delete(f"{path}/testing").status_code == 204


def test_without_a_licence_protection_has_no_effect(sandbox: SandboxFactory) -> None:
    bench = Workbench(sandbox(tier=Tier.FREE))
    assert protect(bench).status_code == 201
    body = {"environment": bench.name, "ref": "main", "tag": False, "status": "running"}
    sha = bench.get("/repository/branches/main")["commit"]["id"]
    made = bench.post("/deployments", {**body, "sha": sha}).json()
    assert (made["pending_approval_count"], made["approvals"]) == (0, [])
    refused(decide(bench, made, bench.approver, "approved"), "This environment is not protected.")
    bench.close()


def test_the_community_build_has_no_such_routes(sandbox: SandboxFactory) -> None:
    bench = Workbench(sandbox(tier=Tier.CE))
    for answer in (protect(bench), decide(bench, {"id": 1}, bench.approver, "approved")):
        assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
    bench.close()


def test_graphql_tells_the_progress_of_each_rule(bench: Workbench) -> None:
    protect(bench, approval_rules=[{**MAINTAINERS, "required_approvals": 2}, {"user_id": 4}])
    deployment, _ = deploy(bench)
    url = f"{bench.server.url}/api/graphql"
    mutation = """mutation($id: DeploymentID!, $as: String) {
      approveDeployment(input: {id: $id, status: APPROVED, comment: "ok", representedAs: $as}) {
        deploymentApproval { status comment user { username } } errors } }"""
    gid = f"gid://gitlab/Deployment/{deployment['id']}"
    for name in ("Maintainers", "Ada"):
        answer = bench.approver.post(url, json={"query": mutation, "variables": {"id": gid, "as": name}}).json()
        approval = answer["data"]["approveDeployment"]["deploymentApproval"]
        assert approval == {"status": "APPROVED", "comment": "ok", "user": {"username": "ada"}}
    own = bench.developer.post(url, json={"query": mutation, "variables": {"id": gid}}).json()["data"][
        "approveDeployment"
    ]
    assert own["errors"][0].startswith("You cannot approve your own deployment.")
    query = """query($iid: ID!) { project(fullPath: "sandbox/empty") { deployment(iid: $iid) {
      pendingApprovalCount userPermissions { approveDeployment } approvals { status }
      approvalSummary { status totalRequiredApprovals totalPendingApprovalCount
        rules { accessLevel { stringValue } user { username } approvedCount pendingApprovalCount status canApprove }
      } } } }"""
    asked = {"query": query, "variables": {"iid": str(deployment["iid"])}}
    found = bench.approver.post(url, json=asked).json()["data"]["project"]["deployment"]
    assert found["pendingApprovalCount"] == 1
    assert found["userPermissions"] == {"approveDeployment": True}
    assert len(found["approvals"]) == 2
    summary = found["approvalSummary"]
    assert (summary["status"], summary["totalRequiredApprovals"]) == ("PENDING_APPROVAL", 3)
    first, second = summary["rules"]
    assert (first["accessLevel"]["stringValue"], first["approvedCount"], first["status"]) == (
        "MAINTAINER",
        1,
        "PENDING_APPROVAL",
    )
    assert (second["user"]["username"], second["status"], second["canApprove"]) == ("ada", "APPROVED", True)
