"""Environments, deployments, pipelines and jobs by GraphQL."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandbox.delivery import PICKUP, Workbench

TWO_STEPS = """
spec:
  inputs:
    model: {default: fraud}
    share: {type: number, default: 10, description: Percent of the traffic}
    environment: {options: [staging, production], default: staging}
    notify: {type: boolean, default: true}
    regions: {type: array, default: [eu]}
    version: {regex: '^\\d'}
---
stages: [test, deploy]
test: {stage: test, script: [echo tested]}
ship:
  stage: deploy
  script: ['echo "shipped <b>$[[ inputs.version ]]</b>"']
  environment: {name: NAME, deployment_tier: production}
  when: manual
  manual_confirmation: Send $[[ inputs.version ]] out?
"""


def ask(bench: Workbench, query: str, role: httpx.Client | None = None, **variables: Any) -> dict[str, Any]:
    answer = (role or bench.developer).post(
        f"{bench.server.url}/api/graphql", json={"query": query, "variables": {"path": "sandbox/empty", **variables}}
    )
    assert answer.status_code == 200, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


def prepare(bench: Workbench) -> dict[str, Any]:
    bench.configure(TWO_STEPS.replace("NAME", bench.name))
    pipeline = bench.run(inputs={"version": "1.2.0"})
    bench.advance(60)
    return pipeline


def test_the_declared_inputs_can_be_read(bench: Workbench) -> None:
    bench.configure(TWO_STEPS.replace("NAME", bench.name))
    data = ask(
        bench,
        "query($path: ID!, $ref: String!) { project(fullPath: $path) { ciPipelineCreationInputs(ref: $ref) "
        "{ name type description required default options regex } } }",
        ref=bench.name,
    )
    specifications = {one["name"]: one for one in data["data"]["project"]["ciPipelineCreationInputs"]}
    assert list(specifications) == ["model", "share", "environment", "notify", "regions", "version"]
    assert specifications["share"]["type"] == "NUMBER"
    assert specifications["share"]["default"] == 10
    assert specifications["share"]["description"] == "Percent of the traffic"
    assert specifications["environment"]["options"] == ["staging", "production"]
    assert specifications["notify"]["default"] is True
    assert specifications["regions"]["default"] == ["eu"]
    assert specifications["version"]["required"] is True
    assert specifications["version"]["regex"] == r"^\d"


def test_a_dashboard_takes_one_request(bench: Workbench) -> None:
    pipeline = prepare(bench)
    query = """
query($path: ID!, $name: String) {
  project(fullPath: $path) {
    environments(name: $name) { nodes {
      id name tier state slug
      lastDeployment(status: BLOCKED) {
        iid status finishedAt tag job { name pipeline { id iid } } triggerer { username }
      }
      live: lastDeployment(status: SUCCESS) { iid }
    } }
  }
}"""
    (node,) = ask(bench, query, name=bench.name)["data"]["project"]["environments"]["nodes"]
    assert (node["name"], node["tier"], node["state"]) == (bench.name, "PRODUCTION", "available")
    assert node["id"].startswith("gid://gitlab/Environment/")
    assert node["live"] is None
    waiting = node["lastDeployment"]
    assert waiting["status"] == "BLOCKED"
    assert waiting["finishedAt"] is None
    assert waiting["triggerer"]["username"] == "dev"
    assert waiting["job"]["pipeline"] == {
        "id": f"gid://gitlab/Ci::Pipeline/{pipeline['id']}",
        "iid": str(pipeline["iid"]),
    }


def test_environments_of_one_project_only_and_no_skipped_deployments(bench: Workbench) -> None:
    both = ask(
        bench,
        "query($path: ID!) { a: project(fullPath: $path) { environments { nodes { name } } } "
        "b: project(fullPath: $path) { environments { nodes { name } } } }",
    )
    assert both["errors"][0]["message"] == '"environments" field can be requested only for 1 Project(s) at a time.'
    prepare(bench)
    skipped = ask(
        bench,
        "query($path: ID!, $name: String) { project(fullPath: $path) { environment(name: $name) "
        "{ lastDeployment(status: SKIPPED) { iid } } } }",
        name=bench.name,
    )
    assert skipped["errors"]


JOB = """
query($path: ID!, $job: JobID!) { project(fullPath: $path) { job(id: $job) {
  id name status playable retryable canPlayJob manualJob allowFailure stage { name } exitCode
  detailedStatus { name label action { buttonTitle confirmationMessage path method } }
  trace { htmlSummary(lastLines: 3) }
} } }"""


def test_play_by_mutation_and_the_confirmation_text(bench: Workbench) -> None:
    pipeline = prepare(bench)
    number = bench.jobs(pipeline)["ship"]["id"]
    gid = f"gid://gitlab/Ci::Build/{number}"
    job = ask(bench, JOB, job=gid)["data"]["project"]["job"]
    assert job["status"] == "MANUAL"
    assert job["playable"]
    assert job["canPlayJob"]
    assert job["manualJob"]
    assert job["allowFailure"]
    assert job["stage"]["name"] == "deploy"
    assert job["detailedStatus"]["action"] == {
        "buttonTitle": "Run job",
        "confirmationMessage": "Send 1.2.0 out?",
        "path": f"/sandbox/empty/-/jobs/{number}/play",
        "method": "post",
    }
    assert ask(bench, JOB, bench.reporter, job=gid)["data"]["project"]["job"]["detailedStatus"]["action"] is None

    mutation = "mutation($id: JobID!) { jobPlay(input: {id: $id}) { job { status } errors } }"
    refused = ask(bench, mutation, bench.reporter, id=gid)
    assert "does not exist or you don't have permission" in refused["errors"][0]["message"]
    played = ask(bench, mutation, id=gid)["data"]["jobPlay"]
    assert played == {"job": {"status": "PENDING"}, "errors": []}
    bench.advance(60)
    done = ask(bench, JOB, job=gid)["data"]["project"]["job"]
    assert done["status"] == "SUCCESS"
    assert done["exitCode"] == 0
    assert done["retryable"]
    assert "shipped &lt;b&gt;1.2.0&lt;/b&gt;" in done["trace"]["htmlSummary"]


def test_retry_and_cancel_by_mutation(bench: Workbench) -> None:
    pipeline = prepare(bench)
    gid = f"gid://gitlab/Ci::Build/{bench.jobs(pipeline)['test']['id']}"
    retry = "mutation($id: JobID!) { jobRetry(input: {id: $id}) { job { id status } errors } }"
    again = ask(bench, retry, id=gid)["data"]["jobRetry"]
    assert again["errors"] == []
    assert again["job"]["id"] != gid
    assert ask(bench, retry, id=gid)["data"]["jobRetry"] == {"job": None, "errors": ["Job is not retryable"]}
    bench.advance(PICKUP / 4)
    cancel = "mutation($id: JobID!) { jobCancel(input: {id: $id}) { job { status } errors } }"
    canceled = ask(bench, cancel, id=again["job"]["id"])["data"]["jobCancel"]
    assert canceled["job"]["status"] in {"CANCELED", "CANCELING"}


def test_create_a_pipeline_by_mutation(bench: Workbench) -> None:
    bench.configure(TWO_STEPS.replace("NAME", bench.name))
    mutation = """
mutation($path: ID!, $ref: String!, $inputs: [CiInputsInput!]) {
  pipelineCreate(input: {projectPath: $path, ref: $ref, inputs: $inputs}) {
    pipeline { iid status totalJobs stages { nodes { name } } user { username } jobs { nodes { name } } } errors
  }
}"""
    wrong = ask(bench, mutation, ref=bench.name, inputs=[])["data"]["pipelineCreate"]
    assert wrong == {
        "pipeline": None,
        "errors": ["`.gitlab-ci.yml`: `version` input: required value has not been provided"],
    }
    given = [{"name": "version", "value": "2.0.0"}, {"name": "share", "value": 50}]
    made = ask(bench, mutation, ref=bench.name, inputs=given)["data"]["pipelineCreate"]
    assert made["errors"] == []
    assert made["pipeline"]["status"] == "CREATED"
    assert made["pipeline"]["totalJobs"] == 2
    assert [stage["name"] for stage in made["pipeline"]["stages"]["nodes"]] == ["test", "deploy"]
    assert [job["name"] for job in made["pipeline"]["jobs"]["nodes"]] == ["test", "ship"]
    assert made["pipeline"]["user"]["username"] == "dev"


def test_pipelines_are_listed_newest_first(bench: Workbench) -> None:
    bench.configure("one: {script: [true]}")
    first, second = bench.run(), bench.run()
    query = (
        "query($path: ID!, $ref: String) { project(fullPath: $path) { pipelines(ref: $ref) { nodes { id } count } } }"
    )
    found = ask(bench, query, ref=bench.name)["data"]["project"]["pipelines"]
    assert [node["id"] for node in found["nodes"]] == [
        f"gid://gitlab/Ci::Pipeline/{one['id']}" for one in (second, first)
    ]
    assert found["count"] == 2


def test_a_reader_who_may_not_see_environments_gets_none(bench: Workbench) -> None:
    answer = httpx.post(
        f"{bench.server.url}/api/graphql",
        json={"query": '{ project(fullPath: "sandbox/empty") { environments { nodes { name } } } }'},
    )
    assert answer.json()["data"]["project"] is None
