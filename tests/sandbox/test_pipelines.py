"""Pipelines over REST: creation with inputs and variables, refusals, lists and names."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mlops_tui.sandbox.request import Services
from tests.sandbox.delivery import Workbench
from tests.sandbox.factory import SandboxFactory, client

INPUTS = """
spec:
  inputs:
    model: {default: fraud}
    version: {}
    environment: {default: staging, options: [staging, production]}
    share: {type: number, default: 100}
---
workflow:
  name: '$[[ inputs.model ]] $[[ inputs.version ]] -> $[[ inputs.environment ]]'
deploy: {script: ['echo "share $[[ inputs.share ]]"']}
"""
VARIABLES = """
variables: {MODEL_NAME: churn, MODEL_VERSION: "", MODEL_ENVIRONMENT: staging}
workflow: {name: $MODEL_NAME $MODEL_VERSION -> $MODEL_ENVIRONMENT}
deploy: {script: [echo "$MODEL_VERSION"], rules: [{if: '$MODEL_VERSION != ""'}]}
"""


def base(answer: httpx.Response) -> Any:
    assert answer.status_code == 400, answer.text
    return answer.json()["message"]["base"]


def create(bench: Workbench, role: httpx.Client | None = None, **body: Any) -> httpx.Response:
    return bench.post("/pipeline", {"ref": bench.name, **body}, role)


def test_inputs_name_the_pipeline(bench: Workbench) -> None:
    sha = bench.configure(INPUTS)
    answer = create(bench, inputs={"version": "1.2.0", "environment": "production", "share": 5})
    assert answer.status_code == 201
    pipeline = answer.json()
    assert list(pipeline) == [
        "id", "iid", "project_id", "sha", "ref", "status", "source", "created_at", "updated_at", "web_url",
        "before_sha", "tag", "yaml_errors", "user", "started_at", "finished_at", "committed_at", "duration",
        "queued_duration", "coverage", "detailed_status", "archived",
    ]  # fmt: skip
    assert (pipeline["status"], pipeline["source"], pipeline["sha"]) == ("created", "api", sha)
    assert pipeline["detailed_status"]["details_path"] == f"/sandbox/empty/-/pipelines/{pipeline['id']}"
    assert bench.pipeline(pipeline)["name"] == "fraud 1.2.0 -> production"
    bench.advance(60)
    job = bench.jobs(pipeline)["deploy"]
    assert "\nshare 5\n" in bench.developer.get(f"{bench.project}/jobs/{job['id']}/trace").text


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({}, "`version` input: required value has not been provided"),
        ({"version": "1", "share": "many"}, "`share` input: provided value is not a number"),
        ({"version": 1}, "`version` input: provided value is not a string"),
        (
            {"version": "1", "environment": "moon"},
            "`environment` input: `moon` cannot be used because it is not in the list of allowed options",
        ),
        ({"version": "1", "sahre": 5}, "unknown input arguments: sahre"),
        (
            {"share": True, "unknown": 1},
            ", ".join(
                [
                    "`version` input: required value has not been provided",
                    "`share` input: provided value is not a number",
                    "unknown input arguments: unknown",
                ]
            ),
        ),
    ],
)
def test_inputs_that_do_not_fit(bench: Workbench, inputs: dict[str, Any], text: str) -> None:
    bench.configure(INPUTS)
    assert base(create(bench, inputs=inputs)) == [f"`.gitlab-ci.yml`: {text}"]
    assert bench.get("/pipelines", ref=bench.name) == []


def test_inputs_where_none_are_declared_and_too_many(bench: Workbench) -> None:
    bench.configure("deploy: {script: [true]}")
    assert base(create(bench, inputs={"version": "1"})) == [
        "`.gitlab-ci.yml`: Given inputs not defined in the `spec` section of the included configuration file"
    ]
    many = {f"input{number}": "x" for number in range(21)}
    assert base(create(bench, inputs=many)) == ["There cannot be more than 20 inputs"]


def test_variables_name_the_pipeline_and_are_readable(bench: Workbench) -> None:
    bench.configure(VARIABLES)
    given = [{"key": "MODEL_VERSION", "value": "2.1.0"}, {"key": "SECRET", "value": "x", "variable_type": "file"}]
    pipeline = create(bench, variables=given).json()
    assert bench.pipeline(pipeline)["name"] == "churn 2.1.0 -> staging"
    path = f"{bench.project}/pipelines/{pipeline['id']}/variables"
    expected = [
        {"variable_type": "env_var", "key": "MODEL_VERSION", "value": "2.1.0", "raw": False},
        {"variable_type": "file", "key": "SECRET", "value": "x", "raw": False},
    ]
    # the one who triggered it may read them, another developer may not
    assert bench.developer.get(path).json() == expected
    assert bench.maintainer.get(path).json() == expected
    sam = client(bench.server, token=bench.server.make_token("sam"))
    assert sam.get(path).status_code == 403
    assert bench.reporter.get(path).status_code == 403


def test_variables_may_be_forbidden(bench: Workbench) -> None:
    bench.configure(VARIABLES + "\nmanual: {script: [true], when: manual}")
    given = [{"key": "MODEL_VERSION", "value": "2.1.0"}]
    pipeline = create(bench, variables=given).json()
    bench.advance(10)
    play = f"/jobs/{bench.jobs(pipeline)['manual']['id']}/play"
    settings = {"ci_pipeline_variables_minimum_override_role": "maintainer"}
    assert bench.maintainer.put(bench.project, json=settings).status_code == 200
    try:
        assert base(create(bench, variables=given)) == ["Insufficient permissions to set pipeline variables"]
        assert create(bench, bench.maintainer, variables=given).status_code == 201
        refused = bench.post(play, {"job_variables_attributes": [{"key": "A", "value": "b"}]})
        assert (refused.status_code, refused.json()) == (403, {"message": "403 Forbidden"})
        settings = {"ci_pipeline_variables_minimum_override_role": "no_one_allowed"}
        bench.maintainer.put(bench.project, json=settings)
        assert create(bench, bench.maintainer, variables=given).status_code == 400
        assert bench.post(play).status_code == 200
    finally:
        settings = {"ci_pipeline_variables_minimum_override_role": "developer"}
        bench.maintainer.put(bench.project, json=settings)


def test_refusals_in_gitlabs_words(bench: Workbench) -> None:
    assert base(bench.post("/pipeline", {"ref": "nowhere"})) == ["Reference not found"]
    missing = bench.post("/pipeline", {})
    assert (missing.status_code, missing.json()) == (400, {"error": "ref is missing"})
    assert base(bench.post("/pipeline", {"ref": "main"})) == ["Missing CI config file"]
    bench.configure(VARIABLES)
    assert base(create(bench)) == [
        "The resulting pipeline would have been empty. Review the rules configuration for the relevant jobs."
    ]
    twice = [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]
    assert base(create(bench, variables=twice)) == ["Duplicate variable name: A"]
    assert create(bench, bench.reporter).json() == {"message": "403 Forbidden"}
    bench.configure("deploy: {script: [")
    assert base(create(bench))[0].startswith("(<unknown>): ")
    bench.configure("deploy: {stage: launch, script: [true]}")
    assert base(create(bench)) == [
        "deploy job: chosen stage launch does not exist; available stages are .pre, build, test, deploy, .post"
    ]


def test_a_protected_branch_is_for_those_who_may_merge(bench: Workbench) -> None:
    bench.configure("deploy: {script: [true]}")

    def protect(services: Services) -> None:
        services.database.execute("UPDATE branches SET protected = 1 WHERE name = ?", (bench.name,))

    bench.server.call(protect)
    assert base(create(bench))[0].startswith(
        f"You do not have sufficient permission to run a pipeline on '{bench.name}'."
    )
    assert create(bench, bench.maintainer).status_code == 201


def test_too_many_pipelines_are_a_400(bench: Workbench) -> None:
    bench.configure("deploy: {script: [true]}")
    hook = f"{bench.server.url}/-/sandbox/rate_limits"
    bench.maintainer.post(hook, json={"application": {"pipelines_create": [1, 60]}})
    try:
        assert create(bench).status_code == 201
        assert base(create(bench)) == ["Too many pipelines created in the last minute. Try again later."]
    finally:
        bench.maintainer.post(hook, json={})


def test_the_name_can_be_set_afterwards(bench: Workbench) -> None:
    bench.configure("deploy: {script: [true]}")
    pipeline = bench.run()
    assert bench.pipeline(pipeline)["name"] is None
    path = f"{bench.project}/pipelines/{pipeline['id']}/metadata"
    answer = bench.developer.put(path, json={"name": "churn 1.0.0 -> production [intent 0a1b2c3d]"})
    assert (answer.status_code, answer.json()["name"]) == (200, "churn 1.0.0 -> production [intent 0a1b2c3d]")
    long = bench.developer.put(path, json={"name": "x" * 256})
    assert (long.status_code, long.json()) == (
        400,
        {"message": "Failed to update pipeline - Name is too long (maximum is 255 characters)"},
    )
    (listed,) = bench.get("/pipelines", ref=bench.name, name="churn 1.0.0 -> production [intent 0a1b2c3d]")
    assert listed["id"] == pipeline["id"]


def test_lists_filter_and_sort(bench: Workbench) -> None:
    sha = bench.configure("good: {script: [true]}\nbad: {script: ['test \"$FAIL\" != yes']}")
    passed = bench.run()
    failed = bench.run(variables=[{"key": "FAIL", "value": "yes"}])
    bench.advance(60)
    waiting = bench.run(role=bench.maintainer)

    def listed(**params: Any) -> list[int]:
        return [one["id"] for one in bench.get("/pipelines", ref=bench.name, **params)]

    assert listed() == [waiting["id"], failed["id"], passed["id"]]
    assert listed(sort="asc", order_by="id")[0] == passed["id"]
    assert listed(status="failed") == [failed["id"]]
    assert listed(scope="finished") == [failed["id"], passed["id"]]
    assert listed(username="mona") == [waiting["id"]]
    assert listed(sha=sha, source="api", created_after=waiting["created_at"]) == [waiting["id"]]
    assert listed(scope="branches") == [waiting["id"]]
    latest = bench.get("/pipelines/latest", ref=bench.name)
    assert latest["id"] == waiting["id"]
    assert "name" in latest
    none = bench.developer.get(f"{bench.project}/pipelines/latest", params={"ref": "main"})
    assert (none.status_code, none.json()) == (403, {"message": "403 Forbidden"})
    missing = bench.developer.get(f"{bench.project}/pipelines/999999")
    assert (missing.status_code, missing.json()) == (404, {"message": "404 Not found"})
    assert bench.get(f"/pipelines/{passed['id']}/bridges") == []


def test_only_an_owner_deletes(bench: Workbench) -> None:
    bench.configure("deploy: {script: [true]}")
    path = f"{bench.project}/pipelines/{bench.run()['id']}"
    assert bench.maintainer.delete(path).status_code == 403
    root = client(bench.server, token=bench.server.make_token("root"))
    assert root.delete(path).status_code == 204
    assert root.get(path).status_code == 404


def test_a_commit_knows_its_last_pipeline(bench: Workbench) -> None:
    sha = bench.configure("deploy: {script: [true]}")
    pipeline = bench.run()
    assert bench.get(f"/repository/commits/{sha}")["last_pipeline"]["id"] == pipeline["id"]


def test_pages_are_below_the_relative_root(sandbox: SandboxFactory) -> None:
    bench = Workbench(sandbox(root_path="/gitlab"))
    bench.configure("deploy: {script: [true]}")
    pipeline = bench.run()
    page = f"/gitlab/sandbox/empty/-/pipelines/{pipeline['id']}"
    assert pipeline["detailed_status"]["details_path"] == page
    assert pipeline["web_url"].endswith(page)
    bench.close()
