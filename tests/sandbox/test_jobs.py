"""Jobs over REST: lists, logs that grow, play, retry, cancel, erase and job tokens."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.delivery import PICKUP, Workbench

MANUAL = """
ship:
  script: [echo "shipping $WHAT", sleep 20, echo done]
  variables: {WHAT: the model}
  environment: {name: NAME}
  when: manual
"""


def trace(bench: Workbench, job_id: int, **headers: str) -> httpx.Response:
    return bench.developer.get(f"{bench.project}/jobs/{job_id}/trace", headers=headers)


def test_the_log_grows_while_the_job_runs(bench: Workbench) -> None:
    bench.configure("count: {script: [echo one, sleep 30, echo two]}")
    pipeline = bench.run()
    job_id = bench.jobs(pipeline)["count"]["id"]
    assert trace(bench, job_id).text == ""
    bench.advance(PICKUP)
    early = trace(bench, job_id)
    assert early.status_code == 200
    assert early.headers["content-type"] == "text/plain"
    assert early.headers["content-disposition"] == f'infile; filename="{job_id}.log"'
    assert "\none\n" in early.text
    assert "two" not in early.text
    assert "section_start:" in early.text
    assert "\x1b[32;1m$ sleep 30\x1b[0;m" in early.text
    bench.advance(60)
    late = trace(bench, job_id)
    assert late.text.startswith(early.text)
    assert "\ntwo\n" in late.text
    assert late.text.endswith("\x1b[32;1mJob succeeded\x1b[0;m\n")
    assert trace(bench, job_id, Range="bytes=0-3").text == late.text
    assert trace(bench, job_id, **{"If-None-Match": late.headers["etag"]}).status_code == 304
    (artifact,) = bench.get(f"/jobs/{job_id}")["artifacts"]
    assert artifact["file_type"] == "trace"
    assert artifact["size"] == len(late.content)


def test_a_job_carries_what_gitlab_shows_of_it(bench: Workbench) -> None:
    sha = bench.configure("train: {script: [sleep 10], tags: [nvidia-a100, gpu]}")
    pipeline = bench.run()
    bench.advance(60)
    job = bench.jobs(pipeline)["train"]
    assert list(job) == [
        "id", "status", "stage", "name", "ref", "tag", "coverage", "allow_failure", "created_at", "started_at",
        "finished_at", "erased_at", "duration", "queued_duration", "user", "commit", "pipeline", "web_url", "project",
        "artifacts", "runner", "runner_manager", "artifacts_expire_at", "archived", "tag_list",
    ]  # fmt: skip
    assert job["stage"] == "test"
    assert job["tag_list"] == ["gpu", "nvidia-a100"]
    assert job["commit"]["id"] == sha
    assert job["pipeline"]["id"] == pipeline["id"]
    assert job["user"]["username"] == "dev"
    assert job["user"]["job_title"] == "Data scientist"
    assert job["project"] == {"ci_job_token_scope_enabled": False}
    assert job["web_url"] == f"{bench.server.url}/sandbox/empty/-/jobs/{job['id']}"
    assert bench.get(f"/jobs/{job['id']}") == job


def test_the_list_never_tells_totals(bench: Workbench) -> None:
    bench.configure("\n".join(f"job{number}: {{script: [exit {number % 2}]}}" for number in range(5)))
    pipeline = bench.run()
    bench.advance(60)
    answer = bench.developer.get(f"{bench.project}/jobs", params={"per_page": 2, "ref": bench.name})
    assert not {"x-total", "x-total-pages"} & set(answer.headers)
    assert answer.headers["x-next-page"] == "2"
    assert 'rel="last"' not in answer.headers["link"]
    ids = [job["id"] for job in answer.json()]
    assert ids == sorted(ids, reverse=True)
    last = bench.developer.get(f"{bench.project}/jobs", params={"per_page": 2, "page": 3, "ref": bench.name})
    assert last.headers["x-next-page"] == ""
    counted = bench.developer.get(f"{bench.project}/pipelines/{pipeline['id']}/jobs", params={"per_page": 2})
    assert counted.headers["x-total"] == "5"

    failed = bench.get("/jobs", **{"scope[]": ["failed", "canceled"], "ref": bench.name})
    assert {job["name"] for job in failed} == {"job1", "job3"}
    assert {job["failure_reason"] for job in failed} == {"script_failure"}
    passed = bench.get("/jobs", scope="success", ref=bench.name)
    assert {job["name"] for job in passed} == {"job0", "job2", "job4"}
    assert "failure_reason" not in passed[0]
    bad = bench.developer.get(f"{bench.project}/jobs", params={"scope": "happy"})
    assert (bad.status_code, bad.json()) == (400, {"error": "scope does not have a valid value"})


def test_the_list_pages_by_keyset(bench: Workbench) -> None:
    bench.configure("\n".join(f"job{number}: {{script: [true]}}" for number in range(5)))
    bench.run()
    seen: list[int] = []
    url: str | None = f"{bench.project}/jobs?pagination=keyset&order_by=id&per_page=2&ref={bench.name}"
    while url:
        answer = bench.developer.get(url)
        assert "x-page" not in answer.headers
        seen += [job["id"] for job in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)


def test_play_starts_a_manual_job_with_variables(bench: Workbench) -> None:
    bench.configure(MANUAL.replace("NAME", bench.name))
    pipeline = bench.run()
    bench.advance(PICKUP)
    job = bench.jobs(pipeline)["ship"]
    assert job["status"] == "manual"
    answer = bench.post(f"/jobs/{job['id']}/play", {"job_variables_attributes": [{"key": "WHAT", "value": "1.2.0"}]})
    assert answer.status_code == 200
    assert answer.json()["id"] == job["id"]
    assert answer.json()["status"] == "pending"
    again = bench.post(f"/jobs/{job['id']}/play")
    assert (again.status_code, again.json()) == (400, {"message": "400 Bad request - Unplayable Job"})
    bench.advance(60)
    assert "shipping 1.2.0" in trace(bench, job["id"]).text


def test_a_finished_manual_job_is_cloned_by_play_without_the_variables(bench: Workbench) -> None:
    bench.configure(MANUAL.replace("NAME", bench.name))
    pipeline = bench.run()
    bench.advance(PICKUP)
    first = bench.jobs(pipeline)["ship"]["id"]
    bench.post(f"/jobs/{first}/play")
    bench.advance(60)
    variables = [{"key": "WHAT", "value": "1.3.0"}]
    answer = bench.post(f"/jobs/{first}/play", {"job_variables_attributes": variables})
    assert answer.status_code == 200
    second = answer.json()["id"]
    assert second > first
    assert answer.json()["status"] == "pending"
    bench.advance(60)
    assert "shipping the model" in trace(bench, second).text
    statuses = [deployment["status"] for deployment in bench.deployments()]
    assert statuses == ["success", "success"]


def test_an_automatic_job_cannot_be_played(bench: Workbench) -> None:
    bench.configure("auto: {script: [true]}")
    pipeline = bench.run()
    bench.advance(60)
    answer = bench.post(f"/jobs/{bench.jobs(pipeline)['auto']['id']}/play")
    assert (answer.status_code, answer.json()["message"]) == (400, "400 Bad request - Unplayable Job")


def test_retry_makes_a_new_job(bench: Workbench) -> None:
    bench.configure("train: {script: [sleep 10]}")
    pipeline = bench.run()
    bench.advance(PICKUP)
    job_id = bench.jobs(pipeline)["train"]["id"]
    running = bench.post(f"/jobs/{job_id}/retry")
    assert (running.status_code, running.json()["message"]) == (403, "403 Forbidden - Job is not retryable")
    bench.advance(60)
    answer = bench.post(f"/jobs/{job_id}/retry", role=bench.maintainer)
    assert answer.status_code == 201
    assert answer.json()["id"] > job_id
    assert answer.json()["user"]["username"] == "mona"
    twice = bench.post(f"/jobs/{job_id}/retry")
    assert (twice.status_code, twice.json()["message"]) == (403, "403 Forbidden - Job is not retryable")
    assert [job["id"] for job in bench.get(f"/pipelines/{pipeline['id']}/jobs")] == [answer.json()["id"]]
    both = bench.get(f"/pipelines/{pipeline['id']}/jobs", include_retried=True)
    assert [job["id"] for job in both] == [answer.json()["id"], job_id]
    refused = bench.post(f"/jobs/{answer.json()['id']}/retry", {"inputs": {"x": 1}})
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "403 Forbidden - The inputs parameter is not available",
    )


def test_cancel_takes_a_moment_and_is_harmless_afterwards(bench: Workbench) -> None:
    bench.configure("train: {script: [echo started, sleep 100, echo never]}")
    pipeline = bench.run()
    bench.advance(PICKUP)
    job_id = bench.jobs(pipeline)["train"]["id"]
    answer = bench.post(f"/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (201, "canceling")
    bench.advance(5)
    assert bench.get(f"/jobs/{job_id}")["status"] == "canceled"
    assert bench.pipeline(pipeline)["status"] == "canceled"
    log = trace(bench, job_id).text
    assert "\nstarted\n" in log
    assert "never\n" not in log.replace("$ echo never", "")
    again = bench.post(f"/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["status"]) == (201, "canceled")


def test_canceling_a_pipeline_ends_all_of_it(bench: Workbench) -> None:
    bench.configure("stages: [a, b]\nfirst: {stage: a, script: [sleep 50]}\nsecond: {stage: b, script: [true]}")
    pipeline = bench.run()
    bench.advance(PICKUP)
    answer = bench.post(f"/pipelines/{pipeline['id']}/cancel")
    assert answer.status_code == 200
    bench.advance(5)
    assert {job["status"] for job in bench.jobs(pipeline).values()} == {"canceled"}
    unchanged = bench.post(f"/pipelines/{pipeline['id']}/cancel")
    assert (unchanged.status_code, unchanged.json()["status"]) == (200, "canceled")


def test_erase_removes_the_log(bench: Workbench) -> None:
    bench.configure("train: {script: [echo secret]}")
    pipeline = bench.run()
    job_id = bench.jobs(pipeline)["train"]["id"]
    early = bench.post(f"/jobs/{job_id}/erase", role=bench.maintainer)
    assert (early.status_code, early.json()["message"]) == (403, "403 Forbidden - Job is not erasable!")
    bench.advance(60)
    answer = bench.post(f"/jobs/{job_id}/erase", role=bench.maintainer)
    assert answer.status_code == 201
    assert answer.json()["erased_at"]
    assert answer.json()["artifacts"] == []
    assert trace(bench, job_id).text == ""


@pytest.mark.parametrize("action", ["play", "retry", "cancel", "erase"])
def test_a_reporter_may_look_but_not_act(bench: Workbench, action: str) -> None:
    bench.configure("ship: {script: [true], when: manual}")
    pipeline = bench.run()
    job_id = bench.jobs(pipeline)["ship"]["id"]
    assert bench.reporter.get(f"{bench.project}/jobs/{job_id}").status_code == 200
    assert bench.reporter.get(f"{bench.project}/jobs/{job_id}/trace").status_code == 200
    answer = bench.post(f"/jobs/{job_id}/{action}", role=bench.reporter)
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


def test_what_is_not_there(bench: Workbench) -> None:
    missing = bench.developer.get(f"{bench.project}/jobs/999999")
    assert (missing.status_code, missing.json()) == (404, {"message": "404 Not found"})
    anonymous = httpx.get(f"{bench.server.url}/api/v4{bench.project}/jobs")
    assert (anonymous.status_code, anonymous.json()) == (401, {"message": "401 Unauthorized"})
    token = bench.server.make_token("developer", scopes=["read_api"])
    refused = bench.developer.post(f"{bench.project}/jobs/1/play", headers={"PRIVATE-TOKEN": token})
    assert refused.status_code == 403
    assert refused.json()["error"] == "insufficient_scope"
    assert refused.json()["scope"] == "ai_workflows api read_api"


def test_how_far_a_job_token_reaches(bench: Workbench) -> None:
    bench.configure(f"ship: {{script: [sleep 60], environment: {{name: {bench.name}, deployment_tier: staging}}}}")
    pipeline = bench.run()
    bench.advance(PICKUP)
    job_id = bench.jobs(pipeline)["ship"]["id"]
    made = bench.developer.post(f"{bench.server.url}/-/sandbox/jobs/{job_id}/token")
    token = {"JOB-TOKEN": made.json()["token"]}
    api = f"{bench.server.url}/api/v4"

    def get(path: str) -> httpx.Response:
        return httpx.get(api + path, headers=token)

    assert get("/job").json()["id"] == job_id
    assert get("/job/allowed_agents").json()["environment"]["tier"] == "staging"
    for path in ("jobs", "pipelines", f"pipelines/{pipeline['id']}/jobs", "deployments", "environments"):
        assert get(f"{bench.project}/{path}").status_code == 200, path
    for path in (f"jobs/{job_id}", f"jobs/{job_id}/trace", "resource_groups"):
        assert get(f"{bench.project}/{path}").status_code == 401, path
    played = httpx.post(f"{api}{bench.project}/jobs/{job_id}/retry", headers=token)
    assert played.status_code == 401
    named = httpx.put(f"{api}{bench.project}/pipelines/{pipeline['id']}/metadata", headers=token, json={"name": "mine"})
    assert named.json()["name"] == "mine"
    assert bench.developer.get("/job").json() == {"message": "404 Job Not Found"}
    bench.advance(120)
    assert get("/job").status_code == 401


def test_the_next_job_can_be_told_to_fail(bench: Workbench) -> None:
    bench.configure("deploy fraud: {script: [echo start, echo end]}")
    hook = f"{bench.server.url}/-/sandbox/job_faults"
    fault = {"project": "sandbox/empty", "job": "deploy *", "message": "no space left on device", "exit_code": 28}
    assert bench.developer.post(hook, json=fault).status_code == 201
    first = bench.run()
    bench.advance(60)
    failed = bench.jobs(first)["deploy fraud"]
    assert (failed["status"], failed["failure_reason"]) == ("failed", "script_failure")
    log = trace(bench, failed["id"]).text
    assert "\nno space left on device\n" in log
    assert log.endswith("ERROR: Job failed: exit code 28\x1b[0;m\n")
    second = bench.run()
    bench.advance(60)
    assert bench.jobs(second)["deploy fraud"]["status"] == "success"
