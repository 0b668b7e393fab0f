"""What one can ask about jobs."""

from __future__ import annotations

from mlops_tui.domain.jobs import JobLog
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.text import clean_log
from mlops_tui.gitlab.jobs import get_job, job_log
from mlops_tui.operations.session import Session


async def read_log(session: Session, project: ProjectRef, job_id: int) -> JobLog:
    """The whole log of a job so far, safe to draw."""
    job = await get_job(session.transport, project, job_id)
    text = await job_log(session.transport, project, job_id)
    return JobLog(job_id, clean_log(text).lines, len(text), job.status.is_finished)
