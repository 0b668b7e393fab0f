"""The model registry's GraphQL types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.graphql import PATH, ask, messages, send
from tests.sandbox.test_runs import make_job
from tests.sandbox.tracking import Tracking, unique

if TYPE_CHECKING:
    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

NOT_AVAILABLE = (
    "The resource that you are attempting to access does not exist or you don't have permission to perform this action"
)


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


def test_a_public_registry_is_open_to_everybody_and_a_switched_off_one_to_nobody(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    gid = model_gid(server, Tracking(server).model())
    query = f"""query($id: MlModelID!) {{ mlModel(id: $id) {{ name }}
        project(fullPath: "{PATH}") {{ mlModels {{ count }} mlExperiments {{ count }} }} }}"""
    assert ask(server, query, role=None, id=gid) == {"mlModel": None, "project": None}

    def change(assignment: str) -> None:
        server.call(lambda services: services.database.execute(f"UPDATE projects SET {assignment}"))

    change("visibility = 'public'")
    shown = ask(server, query, role=None, id=gid)
    assert shown["mlModel"] is not None
    assert shown["project"] == {"mlModels": {"count": 1}, "mlExperiments": {"count": 1}}
    change("attributes = json_set(attributes, '$.model_registry_access_level', 'disabled')")
    hidden = ask(server, query, id=gid)
    assert hidden == {"mlModel": None, "project": {"mlModels": None, "mlExperiments": {"count": 1}}}
