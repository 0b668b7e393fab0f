"""What GitLab shows of something that was told about an alert, by the intent that stands in every text of ours."""

from __future__ import annotations

from mlops_tui.domain.actions import Intent
from mlops_tui.domain.projects import Project
from mlops_tui.gitlab.alert_issues import list_alert_issues, list_alert_notes
from mlops_tui.operations.session import Session


async def traces_of_alert(session: Session, project: Project, intent: Intent) -> tuple[list[str], list[str]]:
    """The issues and notes that an intent left behind, with their pages."""
    found: list[str] = []
    links: list[str] = []
    for issue in await list_alert_issues(session.transport, project.ref, state="all"):
        if issue.updated_at < intent.created_at:
            continue
        if issue.mark.intent == intent.id:
            found.append(f"issue {issue.iid}")
            links.append(issue.web_url)
            continue
        notes = await list_alert_notes(session.transport, project.ref, issue.iid)
        if any(item.note.intent == intent.id for item in notes):
            found.append(f"a note on issue {issue.iid}")
            links.append(issue.web_url)
    return found, links
