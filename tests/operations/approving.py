"""Helpers for tests of approvals: protections, deployments that wait, and what GitLab itself then says."""

from __future__ import annotations

from typing import Any

import httpx

from mlops_tui.domain.approvals import ApprovalId, Decision
from mlops_tui.operations.decision_calls import Wish
from mlops_tui.operations.evidence_sheets import EvidenceSheet, open_sheet
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.sandbox.factory import client

FRAUD = "/projects/acme%2Ffraud"
APPROVE = Wish(Decision.APPROVED, "looks right")
REJECT = Wish(Decision.REJECTED, "recall fell")


def raw(company: Company, role: str = "maintainer") -> httpx.Client:
    """A plain HTTP client of one of the people."""
    return client(company.server, role)


def protect(company: Company, *rules: dict[str, Any], project: str = FRAUD) -> None:
    """Let a project's production need approvals; developers may deploy."""
    body = {
        "name": "production",
        "deploy_access_levels": [{"access_level": 30}],
        "approval_rules": list(rules) or [{"access_level": 40}],
    }
    answer = raw(company).post(f"{project}/protected_environments", json=body)
    assert answer.status_code == 201, answer.text


def deploy(company: Company, version: str = "2.1.0", role: str = "developer") -> ApprovalId:
    """Start a deployment of fraud to production that will wait, and name its approval."""
    inputs = {"model": "fraud", "version": version, "environment": "production"}
    answer = raw(company, role).post(f"{FRAUD}/pipeline", json={"ref": "main", "inputs": inputs})
    assert answer.status_code == 201, answer.text
    for _ in range(20):
        company.sandbox_clock.advance(30)
        found = raw(company).get(f"{FRAUD}/deployments", params={"status": "blocked", "sort": "desc"}).json()
        if found:
            return ApprovalId.parse(
                f"deployment:{found[0]['environment']['id'] and _project_id(company)}:{found[0]['id']}"
            )
    raise AssertionError("the deployment never came to wait")


def _project_id(company: Company) -> int:
    return int(raw(company).get(FRAUD).json()["id"])


async def sheet_of(session: Session, approval: ApprovalId) -> EvidenceSheet:
    """The sheet as it is now."""
    return (await open_sheet(session, approval)).data


def votes(company: Company, approval: ApprovalId) -> list[tuple[str, str]]:
    """What GitLab recorded on a deployment: who said what."""
    body = raw(company).get(f"{FRAUD}/deployments/{approval.number}").json()
    return [(item["user"]["username"], item["status"]) for item in body["approvals"]]
