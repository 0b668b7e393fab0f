"""The GraphQL endpoint and its model registry types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query, get_operation_ast, parse
from graphql.execution import VariableValues, get_variable_values

from mlops_tui.sandbox.graphql.complexity import Analysis
from tests.sandbox.factory import client
from tests.sandbox.test_runs import make_job
from tests.sandbox.tracking import Tracking, unique

if TYPE_CHECKING:
    import httpx

    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

NOT_AVAILABLE = (
    "The resource that you are attempting to access does not exist or you don't have permission to perform this action"
)
PATH = "sandbox/empty"


def send(
    server: RunningSandbox, query: str, role: str | None = "maintainer", token: str | None = None, **variables: Any
) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return client(server, role, token).post(f"{server.url}/api/graphql", json=body)


def ask(server: RunningSandbox, query: str, role: str | None = "maintainer", **variables: Any) -> Any:
    """Return the data of a query that must succeed."""
    answer = send(server, query, role, **variables)
    assert answer.status_code == 200
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def messages(answer: httpx.Response) -> list[str]:
    return [error["message"] for error in answer.json()["errors"]]


def model_gid(server: RunningSandbox, name: str) -> str:
    query = "query($p: ID!, $n: String) { project(fullPath: $p) { mlModels(name: $n) { nodes { id name } } } }"
    nodes = ask(server, query, p=PATH, n=name)["project"]["mlModels"]["nodes"]
    return next(str(node["id"]) for node in nodes if node["name"] == name)


def test_a_model_with_its_latest_version_and_its_run(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    name = api.model(description="# Card\n\n<b>bold</b> text")
    version = api.version(name, "1.2.0")
    job = make_job(server)
    api.post("runs/set-tag", run_id=version["run_id"], key="gitlab.CI_JOB_ID", value=str(job))
    api.post("runs/log-parameter", run_id=version["run_id"], key="lr", value="0.1")
    for step in range(3):
        api.post("runs/log-metric", run_id=version["run_id"], key="loss", value=3.0 - step, timestamp=step, step=step)
    api.upload(version["version"], "MLmodel")
    gid = model_gid(server, name)
    query = """
      query($id: MlModelID!) { mlModel(id: $id) {
        id name createdAt description descriptionHtml versionCount candidateCount defaultExperimentPath
        author { username } _links { showPath }
        latestVersion { id version createdAt artifactsCount packageId _links { showPath packagePath importPath }
          candidate { eid iid status name ciJob { id webPath pipeline { id path ... on Pipeline { ref sha } } }
            params { nodes { name value } } metrics { count nodes { name step value } }
            metadata { nodes { name value } } _links { showPath artifactPath } } } } }
    """
    shown = ask(server, query, id=gid)["mlModel"]
    number = version["version"]
    assert shown["name"] == name
    assert shown["id"] == gid
    assert shown["createdAt"].endswith("Z")
    assert "." not in shown["createdAt"]
    assert "<h1>Card</h1>" in shown["descriptionHtml"]
    assert "<b>" not in shown["descriptionHtml"]
    assert (shown["versionCount"], shown["candidateCount"], shown["author"]) == (1, 0, {"username": "mona"})
    latest = shown["latestVersion"]
    assert latest["id"] == f"gid://gitlab/Ml::ModelVersion/{number}"
    assert latest["packageId"].startswith("gid://gitlab/Packages::Package/")
    assert (latest["version"], latest["artifactsCount"]) == ("1.2.0", 1)
    assert latest["_links"]["importPath"] == f"/api/v4/projects/{api.project_id}/packages/ml_models/{number}/files/"
    assert latest["_links"]["showPath"].endswith(f"/versions/{number}")
    run = latest["candidate"]
    assert (run["eid"], run["status"]) == (version["run_id"], "running")
    assert run["params"]["nodes"] == [{"name": "lr", "value": "0.1"}]
    assert run["metrics"]["count"] == 3
    assert [row["value"] for row in run["metrics"]["nodes"]] == [3.0, 2.0, 1.0]
    assert run["metadata"]["nodes"] == [{"name": "gitlab.CI_JOB_ID", "value": str(job)}]
    assert run["ciJob"]["id"] == f"gid://gitlab/Ci::Build/{job}"
    assert run["ciJob"]["pipeline"]["sha"] == "a" * 40


def test_models_in_pages(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    stem = unique("Page")
    names = [api.model(f"{stem}-{letter}") for letter in "bca"]
    query = """
      query($p: ID!, $n: String, $first: Int, $after: String, $last: Int, $before: String) {
        project(fullPath: $p) {
          mlModels(name: $n, orderBy: NAME, sort: ASC, first: $first, after: $after, last: $last, before: $before) {
            count pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { name } edges { node { name } }
          } } }
    """

    def page(**window: Any) -> Any:
        return ask(server, query, p=PATH, n=stem, **window)["project"]["mlModels"]

    first = page(first=2)
    assert [node["name"] for node in first["nodes"]] == sorted(names)[:2]
    assert first["count"] == 3
    assert first["pageInfo"]["hasNextPage"] is True
    rest = page(first=2, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["name"] for edge in rest["edges"]] == sorted(names)[2:]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    back = page(last=1, before=rest["pageInfo"]["startCursor"])
    assert [node["name"] for node in back["nodes"]] == [sorted(names)[1]]
    assert back["pageInfo"]["hasPreviousPage"] is True
    other_case = ask(server, query, p=PATH, n=stem.lower())["project"]["mlModels"]
    assert other_case["nodes"] == []


def test_experiments_ignore_the_name_and_tell_their_iid_by_the_path(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    iid = api.experiment()
    runs = [api.run(iid)["run_id"] for _ in range(3)]
    query = """
      query($p: ID!) { project(fullPath: $p) { mlExperiments(name: "nothing like it", first: 1) { nodes {
        id name path candidateCount modelId creator { username } candidates(first: 2) {
          count pageInfo { hasNextPage } nodes { eid } } } } } }
    """
    (newest,) = ask(server, query, p=PATH)["project"]["mlExperiments"]["nodes"]
    assert newest["path"] == f"/sandbox/empty/-/ml/experiments/{iid}"
    assert (newest["candidateCount"], newest["modelId"], newest["creator"]["username"]) == (3, None, "mona")
    assert [node["eid"] for node in newest["candidates"]["nodes"]] == runs[:0:-1]
    assert newest["candidates"]["pageInfo"]["hasNextPage"] is True
    single = ask(server, "query($id: MlExperimentID!) { mlExperiment(id: $id) { name } }", id=newest["id"])
    assert single["mlExperiment"]["name"] == newest["name"]


def test_versions_by_prefix_sorted_by_id_whatever_is_asked(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    name = api.model()
    made = [api.version(name, version)["version"] for version in ("1.10.0", "1.2.0", "2.0.0")]
    query = """
      query($id: MlModelID!, $prefix: String) { mlModel(id: $id) {
        versions(version: $prefix, orderBy: VERSION, sort: ASC) { nodes { version } } } }
    """
    shown = ask(server, query, id=model_gid(server, name), prefix="1.")["mlModel"]["versions"]["nodes"]
    assert [node["version"] for node in shown] == ["1.10.0", "1.2.0"]
    one = """query($id: MlModelID!, $v: MlModelVersionID) { mlModel(id: $id) {
        version(modelVersionId: $v) { version } candidates { nodes { eid } } } }"""
    data = ask(server, one, id=model_gid(server, name), v=f"gid://gitlab/Ml::ModelVersion/{made[1]}")["mlModel"]
    assert data == {"version": {"version": "1.2.0"}, "candidates": {"nodes": []}}


def test_a_field_with_a_call_limit_is_refused_the_second_time(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    stem = unique("twice")
    api.model(f"{stem}-a")
    api.model(f"{stem}-b")
    query = (
        "query($p: ID!, $n: String) { project(fullPath: $p) { mlModels(name: $n) { nodes {"
        " name versions { nodes { version } } } } } }"
    )
    answer = send(server, query, p=PATH, n=stem)
    assert messages(answer) == ['"versions" field can be requested only for 1 MlModel(s) at a time.']
    nodes = answer.json()["data"]["project"]["mlModels"]["nodes"]
    assert sum(node["versions"] is None for node in nodes) == 1
    aliased = f'{{ project(fullPath: "{PATH}") {{ a: mlModels {{ count }} b: mlModels {{ count }} }} }}'
    assert messages(send(server, aliased)) == ['"mlModels" field can be requested only for 1 Project(s) at a time.']


def test_an_array_of_queries(sandbox: SandboxFactory) -> None:
    server = sandbox()
    http = client(server)
    parts = [{"query": '{ echo(text: "one") }'}, {"query": "{ nothing }"}, {"query": '{ echo(text: "two") }'}]
    answers = http.post(f"{server.url}/api/graphql", json=parts).json()
    assert answers[0] == {"data": {"echo": '"mona" says: one'}}
    assert answers[1]["errors"][0]["message"] == "Field 'nothing' doesn't exist on type 'Query'"
    assert answers[2] == {"data": {"echo": '"mona" says: two'}}
    project = "query($p: ID!) { project(fullPath: $p) { mlModels { count } } }"
    same = [{"query": project, "variables": {"p": PATH}}] * 2
    counted = http.post(f"{server.url}/api/graphql", json=same).json()
    assert "errors" not in counted[0]
    assert "can be requested only for 1 Project(s)" in counted[1]["errors"][0]["message"]


def test_errors_inside_a_query_are_answered_with_200(sandbox: SandboxFactory) -> None:
    server = sandbox()
    for query, words in (
        ("{ project(fullPath: 1", "Syntax Error"),
        ("{ project { name } }", "Field 'project' is missing required arguments: fullPath"),
        ('{ project(fullPath: "x", colour: 1) { name } }', "Field 'project' doesn't accept argument 'colour'"),
        (
            '{ project(fullPath: "x") }',
            "Field must have selections (field 'project' returns Project but has no selections.",
        ),
        ("query($p: ID!) { project(fullPath: $p) { name } }", "Variable $p of type ID! was provided invalid value"),
        ('{ mlModel(id: "gid://gitlab/User/1") { name } }', "does not represent an instance of Ml::Model"),
    ):
        answer = send(server, query)
        assert answer.status_code == 200
        assert words in messages(answer)[0], query
    undefined = send(server, "{ colour }").json()["errors"][0]
    assert undefined["extensions"] == {"code": "undefinedField", "typeName": "Query", "fieldName": "colour"}
    assert undefined["locations"] == [{"line": 1, "column": 3}]
    many = send(server, "{ a b c d e f g }")
    assert len(many.json()["errors"]) == 5


def test_errors_outside_a_query_have_a_status_of_their_own(sandbox: SandboxFactory) -> None:
    server = sandbox()
    unknown = send(server, "{ echo }", token="glpat-" + "0" * 20)
    assert (unknown.status_code, unknown.json()) == (401, {"errors": [{"message": "Invalid token"}]})
    large = send(server, "{ " + "a" * 10_000 + " }")
    assert (large.status_code, large.json()) == (422, {"errors": [{"message": "Query too large"}]})
    half = [{"query": '{ echo(text: "' + "a" * 6000 + '") }'}] * 2
    together = client(server).post(f"{server.url}/api/graphql", json=half)
    assert together.status_code == 422
    variables = client(server).post(f"{server.url}/api/graphql", json={"query": "{ a }", "variables": "{"})
    assert variables.status_code == 422
    url = f"{server.url}/api/graphql"
    assert client(server).get(url, params={"query": '{ echo(text: "x") }'}).json() == {
        "data": {"echo": '"mona" says: x'}
    }
    mutation = 'mutation { mlModelCreate(input: {projectPath: "x", name: "y"}) { errors } }'
    assert client(server).get(url, params={"query": mutation}).status_code == 422


def test_a_query_may_not_be_too_heavy_but_introspection_is_free(sandbox: SandboxFactory) -> None:
    server = sandbox()
    fields = "id name description versionCount candidateCount createdAt"
    heavy = (
        f'{{ project(fullPath: "{PATH}") {{ mlModels {{ nodes {{ {fields} latestVersion {{ candidate {{'
        + " ".join(f"m{number}: metrics {{ nodes {{ name value step }} }}" for number in range(25))
        + " } } } } } }"
    )
    assert ask(server, "{ queryComplexity { score limit } }")["queryComplexity"] == {"score": 3, "limit": 250}
    (text,) = messages(send(server, heavy))
    assert text.startswith("Query has complexity of ")
    assert text.endswith(", which exceeds max complexity of 250")
    assert messages(send(server, heavy, role=None))[0].endswith("exceeds max complexity of 200")
    inner = "{ name }"
    for _ in range(10):
        inner = "{ ofType " + inner + " }"
    assert "errors" not in send(server, '{ __type(name: "Project") ' + inner + " }").json()


def test_the_depth_counts_nested_fields_through_fragments() -> None:
    schema = build_schema("type Query { again: Query name: String }")
    document = parse("{ again { ...More } name __typename } fragment More on Query { again { ... { name } } }")
    operation = get_operation_ast(document)
    assert operation is not None
    values = get_variable_values(schema, (), {})
    assert isinstance(values, VariableValues)
    analysis = Analysis(schema, document, values)
    assert (analysis.depth(operation), analysis.complexity(operation)) == (3, 4)


def test_half_a_page_is_half_as_heavy(sandbox: SandboxFactory) -> None:
    server = sandbox()

    def score(first: int) -> int:
        query = (
            f'{{ project(fullPath: "{PATH}") {{ mlModels(first: {first}) {{ nodes {{ name id }} }} }}'
            " queryComplexity { score } }"
        )
        return int(ask(server, query)["queryComplexity"]["score"])

    # nodes, name and id are 3, the sorted list itself 2; with 100 nodes that doubles. 3 more outside.
    assert (score(100), score(50), score(0)) == (13, 10, 8)


def test_scopes_and_roles(sandbox: SandboxFactory) -> None:
    server = sandbox()
    query = f'{{ project(fullPath: "{PATH}") {{ name mlModels {{ count }} maxAccessLevel {{ stringValue }} }} }}'
    reading = server.make_token("maintainer", ["read_api"])
    assert send(server, query, token=reading).json()["data"]["project"]["name"] == "empty"
    assert ask(server, query, "reporter")["project"]["maxAccessLevel"] == {"stringValue": "REPORTER"}
    assert ask(server, query, None) == {"project": None}
    mutation = (
        "mutation($p: ID!, $n: String!) { mlModelCreate(input: {projectPath: $p, name: $n}) { errors model { id } } }"
    )
    for answer in (
        send(server, mutation, token=reading, p=PATH, n="x"),
        send(server, mutation, "reporter", p=PATH, n="x"),
        send(server, mutation, None, p=PATH, n="x"),
        send(server, mutation, p="no/such", n="x"),
    ):
        assert answer.status_code == 200
        assert answer.json()["data"] == {"mlModelCreate": None}
        assert messages(answer) == [NOT_AVAILABLE]


def test_a_model_is_created_edited_and_deleted(sandbox: SandboxFactory) -> None:
    server = sandbox()
    name = unique("by-graphql")
    create = """mutation($n: String!, $d: String) { mlModelCreate(input: {
        projectPath: "sandbox/empty", name: $n, description: $d, clientMutationId: "7"}) {
        clientMutationId errors model { id name description } } }"""
    made = ask(server, create, "developer", n=name, d="card")["mlModelCreate"]
    assert (made["clientMutationId"], made["errors"], made["model"]["description"]) == ("7", [], "card")
    assert ask(server, create, n=name)["mlModelCreate"]["errors"] == ["Name has already been taken"]
    bad = unique("bad name")
    assert ask(server, create, n=bad)["mlModelCreate"]["errors"] == ["Name is invalid"]
    number = int(made["model"]["id"].rsplit("/", 1)[1])
    edit = """mutation($n: String!, $m: Int, $d: String) { mlModelEdit(input: {
        projectPath: "sandbox/empty", name: $n, modelId: $m, description: $d}) { errors model { description } } }"""
    edited = ask(server, edit, "developer", n=name, m=number, d="new")["mlModelEdit"]
    assert edited == {"errors": [], "model": {"description": "new"}}
    assert ask(server, edit, n=name, d="new")["mlModelEdit"] == {"errors": ["Model not found"], "model": None}
    delete = """mutation($id: MlModelID!) { mlModelDelete(input: {projectPath: "sandbox/empty", id: $id}) {
        errors model { name } } }"""
    Tracking(server).version(name)
    refused = ask(server, delete, "developer", id=made["model"]["id"])["mlModelDelete"]
    assert refused["errors"] == ["You don't have the permission to perform this action"]
    assert ask(server, delete, id=made["model"]["id"])["mlModelDelete"]["errors"] == []
    assert ask(server, delete, id=made["model"]["id"])["mlModelDelete"]["errors"] == ["Model not found"]


def test_a_version_is_created_from_a_run_edited_and_deleted(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    name = api.model()
    gid = model_gid(server, name)
    run_id = api.run()["run_id"]

    def candidate(services: Services) -> int:
        return int(services.database.value("SELECT id FROM runs WHERE eid = ?", (run_id,)))

    create = """mutation($m: MlModelID!, $v: String, $c: MlCandidateID) { mlModelVersionCreate(input: {
        projectPath: "sandbox/empty", modelId: $m, version: $v, candidateId: $c, description: "card"}) {
        errors modelVersion { id version candidate { eid } } } }"""
    chosen = f"gid://gitlab/Ml::Candidate/{server.call(candidate)}"
    made = ask(server, create, m=gid, v="3.0.0", c=chosen)["mlModelVersionCreate"]
    assert made["errors"] == []
    assert (made["modelVersion"]["version"], made["modelVersion"]["candidate"]["eid"]) == ("3.0.0", run_id)
    for variables, words in (
        ({"c": chosen}, "Run has already a model version"),
        ({"c": "gid://gitlab/Ml::Candidate/999999"}, "Run with id not found"),
        ({"v": "3.0.0"}, "Version has already been taken"),
        ({"v": "three"}, "Version must be semantic version"),
    ):
        assert ask(server, create, m=gid, **variables)["mlModelVersionCreate"] == {
            "errors": [words],
            "modelVersion": None,
        }
    edit = """mutation($m: MlModelID!, $v: String!) { mlModelVersionEdit(input: {
        projectPath: "sandbox/empty", modelId: $m, version: $v, description: "better"}) {
        errors modelVersion { description } } }"""
    assert ask(server, edit, m=gid, v="3.0.0")["mlModelVersionEdit"]["modelVersion"] == {"description": "better"}
    assert ask(server, edit, m=gid, v="9.0.0")["mlModelVersionEdit"]["errors"] == ["Model version not found"]
    delete = """mutation($id: MlModelVersionID!) { mlModelVersionDelete(input: {id: $id}) { errors } }"""
    version_gid = made["modelVersion"]["id"]
    refused = ask(server, delete, "developer", id=version_gid)["mlModelVersionDelete"]
    assert refused["errors"] == ["You don't have access to this package"]
    assert ask(server, delete, id=version_gid)["mlModelVersionDelete"]["errors"] == []
    assert messages(send(server, delete, id=version_gid)) == [NOT_AVAILABLE]
    assert api.get("runs/get", run_id=run_id).status_code == 404


def test_a_value_that_is_no_number_is_null(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    iid = api.experiment()
    run_id = api.run(iid)["run_id"]

    def diverge(services: Services) -> None:
        database = services.database
        run = database.value("SELECT id FROM runs WHERE eid = ?", (run_id,))
        database.execute(
            "INSERT INTO metrics (run_id, name, value, tracked_at, step) VALUES (?, 'loss', NULL, 1, 1)", (run,)
        )

    server.call(diverge)
    query = f"""{{ project(fullPath: "{PATH}") {{ mlExperiments(first: 1) {{ nodes {{
        candidates {{ nodes {{ metrics {{ nodes {{ name step value }} }} }} }} }} }} }} }}"""
    (experiment,) = ask(server, query)["project"]["mlExperiments"]["nodes"]
    (run,) = experiment["candidates"]["nodes"]
    assert run["metrics"]["nodes"] == [{"name": "loss", "step": 1, "value": None}]
    (row,) = api.get("metrics/get-history", run_id=run_id, metric_key="loss").json()["metrics"]
    assert row["value"] is None


def test_the_schema_can_be_introspected(sandbox: SandboxFactory) -> None:
    server = sandbox()
    schema = build_client_schema(ask(server, get_introspection_query()))
    assert schema.get_type("MlCandidateMetric") is not None


def test_web_paths_keep_a_relative_root(sandbox: SandboxFactory) -> None:
    server = sandbox(root_path="/gitlab")
    api = Tracking(server)
    name = api.model()
    version = api.version(name)
    assert version["source"].startswith(f"{server.url}/sandbox/empty/")
    assert "/gitlab/" in api.run()["artifact_uri"]
    query = f'{{ project(fullPath: "{PATH}") {{ mlModels {{ nodes {{ _links {{ showPath }} }} }} }} }}'
    (node,) = ask(server, query)["project"]["mlModels"]["nodes"]
    assert node["_links"]["showPath"].startswith("/gitlab/sandbox/empty/-/ml/models/")


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_other_verbs(sandbox: SandboxFactory, verb: str) -> None:
    server = sandbox()
    assert client(server).request(verb, f"{server.url}/api/graphql").status_code == 405
