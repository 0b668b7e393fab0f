"""Where an inference came from in GitLab, as far as its span says: project, model version, job, commit, rollout.

The names are those that GitLab asks for, of OpenTelemetry's conventions for CI/CD and version control, and those of the
variables of a CI job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlops_tui.domain.inferences import PROJECT_ID, PROJECT_NAME, subject_of
from mlops_tui.domain.traces import Span, text_of

DEPLOYMENT_ID = "ml.deployment.id"
_JOB_KEYS = ("gitlab.ci.job.id", "gitlab.job.id", "gitlab.CI_JOB_ID", "ci.job.id", "cicd.pipeline.task.run.id")
_COMMIT_KEYS = ("vcs.ref.head.revision", "gitlab.ci.commit.sha", "gitlab.CI_COMMIT_SHA", "service.version")
# A short hash has letters and digits both: ``20260101`` is a date.
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|(?=.*[a-f])(?=.*[0-9])[0-9a-f]{7,39}")


@dataclass(frozen=True, slots=True)
class TraceOrigin:
    """What a span tells of its origin, "" or None where it does not.

    ``project`` is an id or a full path; ``commit`` is the hash of one; ``rollout`` is what its deployment was called.
    """

    project: str = ""
    model: str = ""
    version: str = ""
    job_id: int | None = None
    commit: str = ""
    rollout: str = ""


def origin_of(span: Span) -> TraceOrigin:
    """The origin of a span, from its attributes and those of its resource."""
    subject = subject_of(span)
    job = next((text for text in _told(span, _JOB_KEYS) if text.isascii() and text.isdigit() and len(text) < 19), "")
    return TraceOrigin(
        next(_told(span, (PROJECT_ID, PROJECT_NAME)), ""),
        subject.model,
        subject.version,
        int(job) if job else None,
        next((text for text in _told(span, _COMMIT_KEYS) if _SHA.fullmatch(text.lower())), ""),
        next(_told(span, (DEPLOYMENT_ID,)), ""),
    )


def _told(span: Span, keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        text = text_of(span.attributes.get(key)) or text_of(span.resource.attributes.get(key))
        if text:
            yield text
