"""The transport over real HTTP: what is sent, how often, and what an answer becomes."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    ServerFaultError,
    UnreachableError,
    UnreadableAnswerError,
    UsageError,
)
from mlops_tui.gitlab.connection import ConnectionOptions
from mlops_tui.gitlab.hosts import path_segment
from mlops_tui.gitlab.retries import RetryOptions
from mlops_tui.gitlab.transport import Transport
from tests.faults.proxy import Drip, Drop, FaultProxy, SkewDate, Stall, Truncate, web_page
from tests.gitlab.scripted import Reply, ScriptedServer, in_turn, options, transport_to

ONCE = RetryOptions(attempts=1)
HASTY = ConnectionOptions(connect_timeout=2, read_timeout=0.3, total_timeout=0.6)


async def test_paths_stay_encoded_and_parameters_are_spelled_as_gitlab_reads_them() -> None:
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url) as transport:
            path = f"/api/v4/projects/{path_segment('acme/fraud model')}/jobs"
            await transport.get(path, {"scope[]": ["failed", "success"], "simple": True, "ref": "a+b&c", "sha": None})
    assert server.paths() == [
        "/api/v4/projects/acme%2Ffraud%20model/jobs?scope%5B%5D=failed&scope%5B%5D=success&simple=true&ref=a%2Bb%26c"
    ]


async def test_a_relative_root_is_kept() -> None:
    with ScriptedServer(in_turn(Reply(body={"id": 7}))) as server:
        async with transport_to(server.url + "/gitlab/") as transport:
            answer = await transport.get("/api/v4/projects/7")
    assert server.paths() == ["/gitlab/api/v4/projects/7"]
    assert answer.json() == {"id": 7}


async def test_every_request_names_the_program() -> None:
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url) as transport:
            await transport.get("/api/v4/user")
    assert server.seen[0].headers["user-agent"].startswith("mlops-tui/")
    assert "cookie" not in server.seen[0].headers


async def test_a_search_by_post_is_a_read_and_repeated() -> None:
    with ScriptedServer(in_turn(Reply(502, "bad gateway"), Reply(body={"runs": []}))) as server:
        async with transport_to(server.url) as transport:
            answer = await transport.post_query("/api/v4/projects/7/ml/mlflow/api/2.0/mlflow/runs/search", {"a": 1})
    assert answer.json() == {"runs": []}
    assert [seen.json() for seen in server.seen] == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize("method", list(Method))
async def test_a_change_is_sent_once_with_the_body_of_its_preview(method: Method) -> None:
    call = ApiCall(method, "/api/v4/projects/7/pipeline", {"ref": "main", "inputs": {"b": "é", "a": 1}})
    with ScriptedServer(in_turn(Reply(201, {"id": 611}, {"x-request-id": "01J"}))) as server:
        async with transport_to(server.url) as transport:
            answer = await transport.send(call)
    assert (answer.status, answer.request_id, answer.body) == (201, "01J", {"id": 611})
    assert answer.url == f"{server.url}/api/v4/projects/7/pipeline"
    assert len(server.seen) == 1
    assert server.seen[0].body.decode() in call.as_curl(server.url)


@pytest.mark.parametrize("status", [409, 429, 500, 502, 503])
async def test_a_refused_change_is_never_repeated(status: int) -> None:
    kinds = {409: ConflictError, 429: RateLimitedError}
    with ScriptedServer(in_turn(Reply(status, {"message": "409 Conflict: Resource lock"}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(kinds.get(status, ServerFaultError)):
                await transport.send(ApiCall(Method.POST, "/api/v4/projects/7/pipeline"))
    assert len(server.seen) == 1


async def test_a_change_whose_answer_is_lost_is_unknown_and_not_repeated() -> None:
    with ScriptedServer(in_turn(Reply(201, {"id": 1}))) as server, FaultProxy(server.url) as proxy:
        proxy.play(Drop(after=20))
        async with transport_to(proxy.url) as transport:
            with pytest.raises(UnreachableError, match="not known") as caught:
                await transport.send(ApiCall(Method.POST, "/api/v4/projects/7/pipeline", {"ref": "main"}))
    assert caught.value.may_have_arrived
    assert len(server.seen) == 1


async def test_a_change_to_a_host_that_is_down_surely_did_not_arrive() -> None:
    with ScriptedServer(in_turn(Reply())) as server, FaultProxy(server.url) as proxy:
        proxy.go_down()
        async with transport_to(proxy.url) as transport:
            with pytest.raises(UnreachableError) as caught:
                await transport.send(ApiCall(Method.POST, "/api/v4/projects/7/pipeline"))
    assert not caught.value.may_have_arrived
    assert server.seen == []


async def test_a_call_with_an_open_placeholder_is_not_sent() -> None:
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(ValueError, match="placeholder"):
                await transport.send(ApiCall(Method.PUT, "/api/v4/projects/7/pipelines/{pipeline}/metadata"))
    assert server.seen == []


async def test_an_empty_answer_to_a_change_has_no_body() -> None:
    with ScriptedServer(in_turn(Reply(204, b""))) as server:
        async with transport_to(server.url) as transport:
            answer = await transport.send(ApiCall(Method.DELETE, "/api/v4/projects/7/issues/1"))
    assert answer.body is None


async def test_a_mutation_that_graphql_refuses_raises() -> None:
    refusal = {"errors": [{"message": "The resource that you are attempting to access does not exist"}]}
    with ScriptedServer(in_turn(Reply(200, refusal))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(NotFoundError, match="does not exist"):
                await transport.send(ApiCall(Method.POST, "/api/graphql", {"query": "mutation { x }"}))


async def test_graphql_gives_the_data() -> None:
    with ScriptedServer(in_turn(Reply(body={"data": {"project": None}}))) as server:
        async with transport_to(server.url) as transport:
            data = await transport.graphql("query($p: ID!) { project(fullPath: $p) { id } }", {"p": "acme/fraud"})
    assert data == {"project": None}
    assert server.seen[0].json()["variables"] == {"p": "acme/fraud"}
    assert server.seen[0].path == "/api/graphql"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Field 'nope' doesn't exist on type 'Query'", InvalidRequestError),
        ("Query has complexity of 900, which exceeds max complexity of 250", InvalidRequestError),
        ("you don't have permission to perform this action", NotFoundError),
        ("Request timed out. Please try a less complex query or a smaller set of records.", ServerFaultError),
    ],
)
async def test_graphql_errors_raise_by_what_they_say(message: str, kind: type[Exception]) -> None:
    with ScriptedServer(in_turn(Reply(body={"errors": [{"message": message}], "data": None}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(kind) as caught:
                await transport.graphql("{ a }")
    assert message.rstrip(".") in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"data": None}, [], "text", {"data": []}])
async def test_a_graphql_answer_without_data_is_unreadable(body: object) -> None:
    with ScriptedServer(in_turn(Reply(200, body, {"content-type": "application/json"}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UnreadableAnswerError):
                await transport.graphql("{ a }")


async def test_many_queries_are_one_request_and_fail_one_by_one() -> None:
    parts = [{"data": {"a": 1}}, {"errors": [{"message": "Field 'b' doesn't exist"}]}, {"data": {"c": 3}}]
    with ScriptedServer(in_turn(Reply(body=parts))) as server:
        async with transport_to(server.url) as transport:
            results = await transport.graphql_many([("{ a }", {}), ("{ b }", {}), ("{ c }", {"x": 1})])
    assert results[0] == {"a": 1}
    assert isinstance(results[1], InvalidRequestError)
    assert results[2] == {"c": 3}
    assert [part["query"] for part in server.seen[0].json()] == ["{ a }", "{ b }", "{ c }"]


async def test_many_long_queries_stay_under_gitlabs_limit_of_text() -> None:
    def answer(seen: object) -> Reply:
        return Reply(body=[{"data": {}} for _ in server.seen[-1].json()])

    query = "{ a } #" + "x" * 4_000
    with ScriptedServer(answer) as server:
        async with transport_to(server.url) as transport:
            assert await transport.graphql_many([(query, {})] * 5) == [{}] * 5
    sizes = [sum(len(part["query"]) for part in seen.json()) for seen in server.seen]
    assert len(sizes) == 3
    assert max(sizes) <= 10_000


async def test_one_refusal_stands_for_all_of_many_queries() -> None:
    with ScriptedServer(in_turn(Reply(body={"errors": [{"message": "complexity of 900"}]}))) as server:
        async with transport_to(server.url) as transport:
            results = await transport.graphql_many([("{ a }", {}), ("{ b }", {})])
    assert [type(result) for result in results] == [InvalidRequestError, InvalidRequestError]


async def test_a_web_page_instead_of_json_is_named() -> None:
    with ScriptedServer(in_turn(Reply())) as server, FaultProxy(server.url) as proxy:
        proxy.play(web_page("Sign in\x1b[31m here"))
        async with transport_to(proxy.url) as transport:
            answer = await transport.get("/api/v4/projects/7", what="read the project acme/fraud")
            with pytest.raises(UnreadableAnswerError) as caught:
                answer.json()
    assert 'a web page ("Sign in here") came instead of JSON' in str(caught.value)
    assert str(caught.value).startswith("Could not read the project acme/fraud: ")


async def test_truncated_json_is_named() -> None:
    with ScriptedServer(in_turn(Reply(body=[{"id": 1}, {"id": 2}]))) as server, FaultProxy(server.url) as proxy:
        proxy.play(Truncate(keep=9))
        async with transport_to(proxy.url) as transport:
            with pytest.raises(UnreadableAnswerError, match="breaks off after 9 bytes"):
                (await transport.get("/api/v4/projects")).json()


async def test_an_answer_dropped_half_way_is_asked_for_again() -> None:
    with ScriptedServer(in_turn(Reply(body={"id": 7}))) as server, FaultProxy(server.url) as proxy:
        proxy.play(Drop(after=0), count=1)
        proxy.play(Drop(after=60), count=1)
        async with transport_to(proxy.url) as transport:
            answer = await transport.get("/api/v4/projects/7")
    assert answer.json() == {"id": 7}
    assert len(proxy.requests) == 3


async def test_a_host_that_is_down_is_unreachable_and_comes_back() -> None:
    with ScriptedServer(in_turn(Reply(body={"id": 7}))) as server, FaultProxy(server.url) as proxy:
        async with transport_to(proxy.url, retries=ONCE) as transport:
            await transport.get("/api/v4/projects/7")
            proxy.go_down()
            with pytest.raises(UnreachableError, match=r"no connection to 127\.0\.0\.1"):
                await transport.get("/api/v4/projects/7")
            proxy.come_back()
            assert (await transport.get("/api/v4/projects/7")).json() == {"id": 7}


@pytest.mark.serial
@pytest.mark.parametrize("fault", [Stall(), Stall(after=40), Drip(size=1, pause=0.05)])
async def test_a_silent_or_endless_answer_ends_in_time(fault: Stall | Drip) -> None:
    with ScriptedServer(in_turn(Reply())) as server, FaultProxy(server.url) as proxy:
        proxy.play(fault)
        async with transport_to(proxy.url, retries=ONCE, connection=HASTY) as transport:
            with pytest.raises(UnreachableError, match="did not answer in time"):
                await transport.get("/api/v4/projects/7")


@pytest.mark.serial
async def test_a_slow_answer_that_is_in_time_is_whole() -> None:
    with ScriptedServer(in_turn(Reply(body={"id": 7}))) as server, FaultProxy(server.url) as proxy:
        proxy.play(Drip(size=20, pause=0.005))
        async with transport_to(proxy.url) as transport:
            assert (await transport.get("/api/v4/projects/7")).json() == {"id": 7}


async def test_an_answer_larger_than_allowed_is_not_kept() -> None:
    small = options(connection=ConnectionOptions(largest_answer=1_000)).connection
    with ScriptedServer(in_turn(Reply(body=b"x" * 5_000))) as server:
        async with transport_to(server.url, connection=small) as transport:
            with pytest.raises(UnreadableAnswerError, match="larger than"):
                await transport.get("/api/v4/projects/7")


async def test_the_servers_own_time_is_read() -> None:
    date = {"date": "Mon, 02 Mar 2026 12:00:00 GMT"}
    with ScriptedServer(in_turn(Reply(headers=date))) as server, FaultProxy(server.url) as proxy:
        async with transport_to(proxy.url) as transport:
            straight = (await transport.get("/api/v4/a")).date
            proxy.play(SkewDate(3600))
            skewed = (await transport.get("/api/v4/b")).date
    assert straight is not None
    assert skewed is not None
    assert (skewed - straight).total_seconds() == 3600


async def test_a_read_can_be_cancelled() -> None:
    with ScriptedServer(in_turn(Reply())) as server, FaultProxy(server.url) as proxy:
        proxy.play(Stall(), count=1)
        async with transport_to(proxy.url) as transport:
            reading = asyncio.create_task(transport.get("/api/v4/projects/7"))
            await asyncio.to_thread(proxy.wait_for_requests, 1)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert (await transport.get("/api/v4/projects/7")).status == 200


async def test_a_download_comes_in_chunks_with_its_size() -> None:
    content = bytes(range(256)) * 4_000
    with ScriptedServer(in_turn(Reply(body=content))) as server:
        async with transport_to(server.url) as transport, transport.stream("/api/v4/f") as download:
            chunks = [chunk async for chunk in download.chunks]
    assert download.total == len(content)
    assert len(chunks) > 1
    assert hashlib.sha256(b"".join(chunks)).digest() == hashlib.sha256(content).digest()
    assert server.seen[0].headers["accept-encoding"] == "identity"


async def test_a_download_that_breaks_off_is_an_error() -> None:
    with ScriptedServer(in_turn(Reply(body=b"x" * 10_000))) as server, FaultProxy(server.url) as proxy:
        proxy.play(Drop(after=5_000))
        async with transport_to(proxy.url) as transport:
            with pytest.raises(UnreachableError, match=r"Could not download .*broke"):
                await _downloaded(transport)


async def _downloaded(transport: Transport) -> bytes:
    async with transport.stream("/api/v4/f", what="download model.pkl") as download:
        return b"".join([chunk async for chunk in download.chunks])


async def test_a_download_that_is_refused_says_why() -> None:
    with ScriptedServer(in_turn(Reply(404, {"message": "404 Package Not Found"}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(NotFoundError, match="Package Not Found"):
                await _downloaded(transport)


async def test_an_upload_sends_the_bytes_and_tells_its_progress(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4_000
    file = tmp_path / "model.pkl"
    file.write_bytes(content)
    progress: list[tuple[int, int]] = []
    path = "/api/v4/projects/7/packages/ml_models/12/files/model.pkl"
    with ScriptedServer(in_turn(Reply(201, {"message": "201 Created"}))) as server:
        async with transport_to(server.url) as transport:
            answer = await transport.upload(path, file, progress=lambda sent, total: progress.append((sent, total)))
    assert answer.status == 201
    assert server.seen[0].method == "PUT"
    assert server.seen[0].body == content
    assert server.seen[0].headers["content-length"] == str(len(content))
    assert progress[-1] == (len(content), len(content))


async def test_an_upload_is_sent_once(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(b"x")
    with ScriptedServer(in_turn(Reply(503, ""))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(ServerFaultError):
                await transport.upload("/api/v4/projects/7/packages/ml_models/12/files/model.pkl", file)
    assert len(server.seen) == 1


async def test_a_file_that_is_missing_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UsageError, match=r"missing\.pkl"):
                await transport.upload("/api/v4/f", tmp_path / "missing.pkl")
            with pytest.raises(UsageError, match="not a file"):
                await transport.upload("/api/v4/f", tmp_path)
    assert server.seen == []
