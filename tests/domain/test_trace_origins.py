"""Where an inference came from, by what its span says."""

from __future__ import annotations

import pytest

from mlops_tui.domain.trace_origins import TraceOrigin, origin_of
from mlops_tui.domain.traces import Resource
from tests.storage.trace_spans import inference

SHA = "4f2a9c1e7b3d5a6f8091a2b3c4d5e6f708192a3b"


def test_a_span_and_its_resource_tell_it_together() -> None:
    resource = Resource({"gitlab.project.id": 7, "service.version": SHA, "cicd.pipeline.task.run.id": "42"})
    span = inference(1, resource=resource, columns={"ml.deployment.id": "fraud-9"})
    assert origin_of(span) == TraceOrigin("7", "fraud", "1.2.0", 42, SHA, "fraud-9")


@pytest.mark.parametrize("version", ["1.2.0", "20260101", "deadbeefs", "beef", "v4f2a9c1"])
def test_a_version_of_the_service_that_is_no_hash_is_no_commit(version: str) -> None:
    assert origin_of(inference(1, resource=Resource({"service.version": version}))).commit == ""


@pytest.mark.parametrize("job", ["", "build", "-4", "1e9", "9" * 30, "²"])
def test_what_is_no_number_of_a_job_is_none(job: str) -> None:
    assert origin_of(inference(1, resource=Resource({"gitlab.ci.job.id": job}))).job_id is None
