"""The GraphQL endpoint and its model registry types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query, get_operation_ast, parse
from graphql.execution import VariableValues, get_variable_values

from mlops_tui.sandbox.graphql.complexity import Analysis
from tests.sandbox.factory import client
from tests.sandbox.graphql import PATH, ask, messages, send
from tests.sandbox.tracking import Tracking, unique

if TYPE_CHECKING:
    from tests.sandbox.factory import SandboxFactory

NOT_AVAILABLE = (
    "The resource that you are attempting to access does not exist or you don't have permission to perform this action"
)


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


def test_the_schema_can_be_introspected(sandbox: SandboxFactory) -> None:
    server = sandbox()
    schema = build_client_schema(ask(server, get_introspection_query()))
    assert schema.get_type("MlCandidateMetric") is not None


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_other_verbs(sandbox: SandboxFactory, verb: str) -> None:
    server = sandbox()
    assert client(server).request(verb, f"{server.url}/api/graphql").status_code == 405
