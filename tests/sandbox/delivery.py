"""A workbench for tests of delivery: a branch with a CI configuration of its own, on a clock that stands still."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_tui.sandbox.clock import ManualClock
from tests.sandbox.factory import client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

# Longer than a runner takes to pick up a job and to prepare it.
PICKUP = 10

_numbers = itertools.count(1)


class Workbench:
    """One branch of `sandbox/empty` and clients for every role; `name` is unique, for environments and the like."""

    def __init__(self, server: RunningSandbox) -> None:
        self.server = server
        self.name = f"bench-{next(_numbers)}"
        self.project = f"/projects/{server.project_id('sandbox/empty')}"
        self._clients = {role: client(server, role) for role in server.tokens}
        self.maintainer = self._clients["maintainer"]
        self.developer = self._clients["developer"]
        self.reporter = self._clients["reporter"]
        self.approver = self._clients["approver"]

    def close(self) -> None:
        """Close the clients."""
        for one in self._clients.values():
            one.close()

    def configure(self, text: str) -> str:
        """Commit a `.gitlab-ci.yml` to the branch, made on first use, and return the commit's sha."""
        path = f"{self.project}/repository/files/.gitlab-ci.yml"
        body = {"branch": self.name, "content": text, "commit_message": f"Configure {self.name}"}
        answer = self.maintainer.post(path, json={**body, "start_branch": "main"})
        if answer.status_code == 400:
            answer = self.maintainer.put(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        branch = self.get(f"/repository/branches/{self.name}")
        return str(branch["commit"]["id"])

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        clock = self.server.clock
        assert isinstance(clock, ManualClock)
        clock.advance(seconds)

    def get(self, path: str, **params: Any) -> Any:
        """Read something below the project."""
        answer = self.maintainer.get(self.project + path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, role: httpx.Client | None = None
    ) -> httpx.Response:
        """Post something below the project, as the developer unless another client is given."""
        return (role or self.developer).post(self.project + path, json=body or {})

    def run(self, role: httpx.Client | None = None, **body: Any) -> dict[str, Any]:
        """Create a pipeline on the branch and return it."""
        answer = self.post("/pipeline", {"ref": self.name, **body}, role)
        assert answer.status_code == 201, answer.text
        pipeline: dict[str, Any] = answer.json()
        return pipeline

    def jobs(self, pipeline: Mapping[str, Any], **params: Any) -> dict[str, dict[str, Any]]:
        """Return the jobs of a pipeline by name."""
        return {job["name"]: job for job in self.get(f"/pipelines/{pipeline['id']}/jobs", per_page=100, **params)}

    def pipeline(self, pipeline: Mapping[str, Any]) -> dict[str, Any]:
        """Read a pipeline again."""
        found: dict[str, Any] = self.get(f"/pipelines/{pipeline['id']}")
        return found

    def deployments(self, **params: Any) -> list[dict[str, Any]]:
        """Return the deployments to the environment that is called like this workbench."""
        found: list[dict[str, Any]] = self.get("/deployments", environment=self.name, per_page=100, **params)
        return found


@pytest.fixture(scope="session")
def still_sandbox(sandbox: SandboxFactory) -> RunningSandbox:
    """Return a sandbox whose clock stands still."""
    return sandbox(clock=ManualClock())


@pytest.fixture
def bench(still_sandbox: RunningSandbox) -> Iterator[Workbench]:
    """Return a workbench of one's own."""
    made = Workbench(still_sandbox)
    yield made
    made.close()
