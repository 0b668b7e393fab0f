"""The table in docs/tokens.md, tried out: every command with every kind of token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from tests.cli.conftest import Program, program

__all__ = ["program"]

PAGE = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text("utf-8")
KINDS = ("Maintainer `api`", "Developer `api`", "Reporter `api`", "Reporter `read_api`", "CI job token")
# Each kind acts on a model of its own, so that one's deployments are not in another's way.
MODELS = dict(zip(KINDS, ("fraud", "churn", "demand", "demand", "demand"), strict=True))

# The numbers of the demo world's projects; each has an open merge request, the tenth.
PROJECTS = {"fraud": 101, "churn": 102, "demand": 103}


def promised() -> dict[str, tuple[str, ...]]:
    """The rows of the table: what is said of each kind of token, by command."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): tuple(row[1:]) for row in rows if len(row) == 1 + len(KINDS)}


@dataclass(frozen=True)
class Facts:
    """What a model's commands are called with."""

    model: str
    run: str
    other_run: str
    metric: str
    versions: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """A company with a token of each kind, in files."""

    server: RunningSandbox
    files: dict[str, Path]
    facts: dict[str, Facts] = field(default_factory=dict)

    def arguments(self, kind: str) -> tuple[str, ...]:
        """The options that lead a command to the company with a token of this kind."""
        return (
            *("--url", self.server.url),
            *("--project", f"acme/{MODELS[kind]}"),
            *("--token-file", str(self.files[kind])),
        )


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("tokens")
    with running(Settings(world=World.DEMO)) as server:
        query = "SELECT id FROM ci_jobs WHERE status = 'running' LIMIT 1"
        job = server.call(lambda services: services.database.value(query))
        given = httpx.post(f"{server.url}/-/sandbox/jobs/{job}/token", trust_env=False).json()
        secrets = (
            server.tokens["maintainer"],
            server.tokens["developer"],
            server.tokens["reporter"],
            server.make_token("reporter", ("read_api",)),
            given["token"],
        )
        files = {kind: folder / f"{number}.token" for number, kind in enumerate(KINDS)}
        for path, secret in zip(files.values(), secrets, strict=True):
            path.touch(mode=0o600)
            path.write_text(secret)
        yield People(server, files)


@pytest.fixture
def facts(people: People, program: Program) -> dict[str, Facts]:
    found = people.facts
    for kind in KINDS[:3] if not found else ():
        maintainer = ("--token-file", str(people.files[KINDS[0]]))
        ask = (*people.arguments(kind), *maintainer, "--output", "json")
        runs = program("runs", "list", *ask).document["items"]
        finished = [item for item in runs if item["status"] == "FINISHED" and not item["experiment"].startswith("[")]
        model = program("models", "show", MODELS[kind], *ask).document["items"][0]
        versions = tuple(item["version"] for item in model["versions"])
        first = finished[0]
        found[MODELS[kind]] = Facts(
            MODELS[kind], first["run_id"], finished[1]["run_id"], next(iter(first["metrics"])), versions
        )
    return found


def command_line(command: str, facts: Facts, folder: Path) -> Sequence[str]:
    """The command with arguments that make sense for a model."""
    older = facts.versions[-2]
    card = folder / "card.md"
    card.write_text("# New\n")
    rest: dict[str, Sequence[str]] = {
        "runs show": (facts.run,),
        "runs history": (facts.run, facts.metric),
        "runs compare": (facts.run, facts.other_run),
        "runs artifacts": (facts.run,),
        "models show": (facts.model,),
        "models live": (facts.model,),
        "models card": (facts.model,),
        "models lineage": (facts.model, older),
        "models promote": (facts.model, older, "--to", "staging", "--yes", "--no-wait"),
        "models rollback": (
            *(facts.model, "--environment", "production", "--reason", "a test", "--yes", "--no-wait"),
            *("--confirm", facts.model),
        ),
        "models create-version": (facts.model, "--run", facts.run, "--yes"),
        "models card --file": (facts.model, older, "--file", str(card), "--yes"),
        "environments show": ("staging",),
        "environments stop": ("staging", "--yes"),
        "environments protect": ("staging", "--approve", "maintainer:1", "--yes"),
        "approvals show": (f"merge_request:{PROJECTS[facts.model]}:10",),
        "approvals request": (facts.model, facts.versions[-1], "--to", "production", "--yes", "--confirm", facts.model),
        "models delete": (facts.model, facts.versions[0], "--yes", "--confirm", facts.model),
    }
    return (*command.removesuffix(" --file").split(), *rest.get(command, ()))


@pytest.mark.parametrize("command", promised())
def test_every_command_goes_as_far_as_the_table_says(
    people: People, facts: dict[str, Facts], program: Program, command: str, tmp_path: Path
) -> None:
    seen = []
    for kind in KINDS:
        arguments = command_line(command, facts[MODELS[kind]], tmp_path)
        ended = program(*arguments, *people.arguments(kind))
        seen.append("yes" if ended.status == 0 else "no" if ended.status in {4, 5} else ended.err)
    assert tuple(seen) == promised()[command]


def test_a_reporter_sees_every_run_but_not_every_time(people: People, program: Program) -> None:
    def runs(kind: str) -> dict[str, dict[str, object]]:
        place = ("--url", people.server.url, "--project", "acme/demand", "--token-file", str(people.files[kind]))
        ended = program("runs", "list", "--output", "json", *place)
        return {item["run_id"]: item for item in json.loads(ended.out)["items"]}

    full, seen = runs(KINDS[0]), runs(KINDS[2])
    assert {run_id: item["metrics"] for run_id, item in seen.items()} == {
        run_id: item["metrics"] for run_id, item in full.items()
    }
    assert {item["ended_at"] for item in seen.values()} != {item["ended_at"] for item in full.values()}
