"""A thin HTTP client on the MLflow-compatible API of one project of a sandbox."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tests.sandbox.factory import client

if TYPE_CHECKING:
    import httpx

    from mlops_tui.sandbox.server import RunningSandbox

_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """Return a name that no other test of this session uses."""
    return f"{prefix}-{next(_numbers)}"


class ProjectClient:
    """Requests below one project's API path, with a Bearer token of its own."""

    def __init__(self, server: RunningSandbox, path: str, secret: str | None) -> None:
        self._shared = client(server, None)
        self._path = path
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def request(self, verb: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        return self._shared.request(verb, self._path + path, headers=self._headers | (headers or {}), **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)


class Tracking:
    """Sends Bearer tokens as MLflow does; every method returns the raw answer."""

    def __init__(
        self,
        server: RunningSandbox,
        role: str | None = "maintainer",
        token: str | None = None,
        project: str = "sandbox/empty",
    ) -> None:
        secret = token or (server.tokens[role] if role else None)
        self.server = server
        self.project_id = server.project_id(project)
        self.http = ProjectClient(server, f"/projects/{self.project_id}", secret)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(f"/ml/mlflow/api/2.0/mlflow/{path}", params=params)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.http.post(f"/ml/mlflow/api/2.0/mlflow/{path}", json=body)

    def patch(self, path: str, **body: Any) -> httpx.Response:
        return self.http.patch(f"/ml/mlflow/api/2.0/mlflow/{path}", json=body)

    def delete(self, path: str, **params: Any) -> httpx.Response:
        return self.http.delete(f"/ml/mlflow/api/2.0/mlflow/{path}", params=params)

    def artifacts(self, **params: Any) -> httpx.Response:
        return self.http.get("/ml/mlflow/api/2.0/mlflow-artifacts/artifacts", params=params)

    def artifact(self, path: str) -> httpx.Response:
        return self.http.get(f"/ml/mlflow/api/2.0/mlflow-artifacts/artifacts/{path}")

    def upload(self, owner: str, path: str, content: bytes = b"x", **options: Any) -> httpx.Response:
        return self.http.put(f"/packages/ml_models/{owner}/files/{path}", content=content, **options)

    def experiment(self, **options: Any) -> str:
        """Create an experiment and return its iid."""
        answer = self.post("experiments/create", name=unique("experiment"), **options)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["experiment_id"])

    def run(self, experiment_id: str | None = None, **options: Any) -> dict[str, Any]:
        """Create a run and return its `info`."""
        answer = self.post("runs/create", experiment_id=experiment_id or self.experiment(), **options)
        assert answer.status_code == 200, answer.text
        info: dict[str, Any] = answer.json()["run"]["info"]
        return info

    def iid(self, info: dict[str, Any]) -> str:
        """Return the number of a run that was not uploaded to yet."""
        return str(info["artifact_uri"]).split("candidate:")[1].strip("/").removesuffix("/files")

    def data(self, run_id: str) -> dict[str, Any]:
        """Return a run's metrics, params and tags."""
        data: dict[str, Any] = self.get("runs/get", run_id=run_id).json()["run"]["data"]
        return data

    def model(self, name: str | None = None, **options: Any) -> str:
        """Register a model and return its name."""
        chosen = name or unique("model")
        answer = self.post("registered-models/create", name=chosen, **options)
        assert answer.status_code == 200, answer.text
        return chosen

    def version(self, name: str, version: str | None = None, **options: Any) -> dict[str, Any]:
        """Create a model version and return it."""
        tags = [{"key": "gitlab.version", "value": version}] if version else []
        answer = self.post("model-versions/create", name=name, tags=tags, **options)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()["model_version"]
        return made
