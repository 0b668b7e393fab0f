"""Approvals and evidence sheets as the items that the command line writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_tui.domain.approvals import Approval, ApprovalRule, Vote
    from mlops_tui.operations.evidence_sheets import EvidenceSheet


def approval_item(approval: Approval) -> dict[str, Any]:
    """One row of the inbox; ``missing`` counts over all rules, ``rules`` says whose approvals they are."""
    return {
        "id": str(approval.id),
        "kind": approval.id.kind,
        "project": approval.project.ref.path,
        "title": approval.title,
        "model": approval.model or None,
        "version": approval.version or None,
        "environment": approval.environment or None,
        "production": approval.is_production,
        "requested_by": approval.requested_by.username if approval.requested_by else None,
        "waiting_since": approval.waiting_since,
        "state": approval.state,
        "missing": approval.missing,
        "rules": [_rule_item(approval, rule) for rule in approval.rules],
        "votes": [_vote_item(vote) for vote in approval.votes],
        "can_decide": approval.can_decide,
        "may_reject": approval.may_reject,
        "reason": approval.reason or None,
        "notices": approval.notices,
        "url": approval.web_url or None,
    }


def sheet_item(sheet: EvidenceSheet) -> dict[str, Any]:
    """An approval with its evidence sheet."""
    return {
        **approval_item(sheet.approval),
        "evidence": {
            "digest": sheet.digest,
            "kept": sheet.keeping,
            "current": sheet.is_current,
            "live_version": sheet.live or None,
            "subject": sheet.subject,
            "changes": [
                {"label": item.label, "before": item.before, "after": item.after, "better": item.is_better}
                for item in sheet.changes
            ],
            "card": {"given": sheet.card.given, "missing": sheet.card.missing} if sheet.card else None,
            "card_changes": sheet.card_changes,
            "gaps": sheet.gaps,
            "jobs": [{"id": job.id, "name": job.name, "status": job.status} for job in sheet.jobs],
            "log_tail": sheet.log_tail,
            "observations": sheet.document["observations"],
        },
    }


def _rule_item(approval: Approval, rule: ApprovalRule) -> dict[str, Any]:
    people = approval.can_still_approve(rule, approval.barred)
    return {
        "name": rule.name,
        "required": rule.required,
        "approved": rule.approved,
        "missing": rule.missing,
        "can_still_approve": None if people is None else [user.username for user in people],
    }


def _vote_item(vote: Vote) -> dict[str, Any]:
    return {
        "user": vote.user.username,
        "decision": vote.decision,
        "at": vote.at,
        "comment": vote.comment or None,
        "rule": vote.rule or None,
    }
