"""Two months of work on the sample projects: commits, merge requests, labels, issues and notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops_tui.sandbox.access import Project
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.internal_ids import allocate
from mlops_tui.sandbox.repository import Author, commit_files
from mlops_tui.sandbox.settings import World
from mlops_tui.sandbox.world import policies, sources

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.clock import Clock
    from mlops_tui.sandbox.database import Database, Row

_DAYS = 62
_COMMITS = 46
_LABELS = (
    ("bug", "#d9534f", "Something is wrong"),
    ("data", "#5cb85c", "About the data we train on"),
    ("drift", "#f0ad4e", "What the model sees has changed"),
    ("mlops::approval-pending", "#f0ad4e", "Waits for a decision"),
    ("mlops::approved", "#5cb85c", "A decision was made: yes"),
    ("mlops::rejected", "#d9534f", "A decision was made: no"),
)
_ISSUES = (
    ("Scores drop on weekends", "bug", "Recall on Saturdays is four points below the week's mean.", "closed"),
    ("Label delay makes last week's metrics look too good", "data", "Chargebacks arrive up to 45 days late.", "opened"),
    ("Document the threshold", "", "The card should say how the threshold was chosen, and on which data.", "opened"),
    (
        "Retrain with the spring data",
        "data",
        "- [x] extract\n- [ ] train\n- [ ] compare with the live version",
        "opened",
    ),
    ("Input distribution moved after the price change", "drift", "The reference profile predates it.", "closed"),
)
_REPLIES = (
    "I can reproduce it with last month's data.",
    "The new features help a little, see the runs of this week.",
    "Let us look at it together on Thursday.",
    "Fixed on `main`; the next training will tell.",
)


@dataclass(slots=True)
class _History:
    """A repository while it is being written."""

    project: Project
    database: Database
    random: Random
    people: list[Row]
    columns: list[str]
    params: dict[str, float | int | str] = field(default_factory=lambda: dict(sources.FIRST_PARAMS))

    def commit(self, branch: str, message: str, person: Row, at: datetime, changes: dict[str, str]) -> str:
        """Add one commit and return its sha."""
        author = Author(person["name"], person["email"])
        return commit_files(self.database, self.project.id, branch, message, author, timestamp(at), dict(changes))


def build(world: World, database: Database, clock: Clock, random: Random) -> None:
    """Insert the history of every project; the empty world gets a README only."""
    people = database.all("SELECT * FROM users WHERE username IN ('mona', 'dev', 'sam') ORDER BY id")
    for row in database.all("SELECT * FROM projects ORDER BY id"):
        project = Project.from_row(row)
        _labels(database, project, timestamp(clock.now() - timedelta(days=_DAYS)))
        if world is World.EMPTY:
            _readme_only(database, project, people[0], clock.now())
            continue
        history = _History(project, database, random, people, list(sources.COLUMNS[project.path]))
        _write(history, clock.now())
        _issues(history, clock.now())


def _labels(database: Database, project: Project, at: str) -> None:
    for name, color, description in _LABELS:
        values = {"project_id": project.id, "name": name, "color": color, "description": description, "created_at": at}
        database.insert("labels", values)


def _readme_only(database: Database, project: Project, person: Row, now: datetime) -> None:
    author = Author(person["name"], person["email"])
    text = {"README.md": "# Empty\n\nA project to try things in.\n"}
    commit_files(database, project.id, "main", "Start the project", author, timestamp(now), text)
    _protect_main(database, project)


def _protect_main(database: Database, project: Project) -> None:
    database.execute(
        "UPDATE branches SET protected = 1, developers_can_merge = 1 WHERE project_id = ? AND name = 'main'",
        (project.id,),
    )


def _write(history: _History, now: datetime) -> None:
    name, random = history.project.path, history.random
    first = {
        "README.md": sources.readme(name),
        ".gitlab-ci.yml": sources.pipeline(name),
        "train.py": sources.train(name),
        "features.py": sources.features(name, history.columns),
        "params.yml": sources.params(history.params),
        "requirements.txt": "mlflow-skinny==2.22.5\nnumpy==2.2.6\nPyYAML==6.0.2\nxgboost==3.0.2\n",
    }
    if name in policies.POLICIES:
        first[".gitlab/mlops.yml"] = policies.POLICIES[name]
    moments = _moments(random, now)
    history.commit("main", f"Start the {name} model", history.people[0], moments[0], first)
    for number, at in enumerate(moments[1:], start=1):
        person = random.choice(history.people)
        if number % 5 == 0:
            _merge_request(history, person, at, merged=True)
        else:
            message, changes = _change(history)
            history.commit("main", message, person, at, changes)
    _merge_request(history, history.people[1], now - timedelta(hours=5), merged=False)
    _protect_main(history.database, history.project)


def _moments(random: Random, now: datetime) -> list[datetime]:
    """Return the times of the commits, rising, the last of them some hours ago."""
    start, span = now - timedelta(days=_DAYS), timedelta(days=_DAYS) - timedelta(hours=8)
    offsets = sorted(random.random() for _ in range(_COMMITS - 1))
    return [start] + [start + span * offset for offset in offsets]


def _change(history: _History) -> tuple[str, dict[str, str]]:
    """Return a message and the files of a plausible change: mostly a parameter, sometimes a column."""
    random = history.random
    unused = [name for name in sources.MORE_COLUMNS[history.project.path] if name not in history.columns]
    if unused and random.random() < 0.15:
        column = random.choice(unused)
        history.columns.append(column)
        text = sources.features(history.project.path, history.columns)
        return f"Read the column {column}", {"features.py": text}
    name = random.choice(["learning_rate", "max_depth", "epochs", "batch_size", "dropout", "seed"])
    choices: dict[str, tuple[float | int, ...]] = {
        "learning_rate": (0.01, 0.02, 0.03, 0.05, 0.1, 0.2),
        "max_depth": (4, 5, 6, 7, 8, 10),
        "epochs": (15, 20, 25, 30, 40),
        "batch_size": (128, 256, 512, 1024),
        "dropout": (0.0, 0.05, 0.1, 0.2, 0.3),
        "seed": (1, 7, 11, 42, 1234),
    }
    value = random.choice([value for value in choices[name] if value != history.params[name]])
    before = history.params[name]
    history.params[name] = value
    message = f"Set {name.replace('_', ' ')} to {value}\n\nIt was {before}."
    return message, {"params.yml": sources.params(history.params)}


def _merge_request(history: _History, person: Row, at: datetime, *, merged: bool) -> None:
    """Write a branch with one or two commits, and merge it unless it stays open."""
    database, project = history.database, history.project
    iid = allocate(database, project.id, "merge_requests")
    message, changes = _change(history)
    title = message.split("\n", 1)[0]
    branch = f"{iid}-{title.lower().replace(' ', '-').replace('.', '-')[:40]}"
    head = database.value("SELECT sha FROM branches WHERE project_id = ? AND name = 'main'", (project.id,))
    database.insert("branches", {"project_id": project.id, "name": branch, "sha": head})
    opened = at - timedelta(hours=3)
    shas = [history.commit(branch, message, person, opened, changes)]
    if merged and history.random.random() < 0.5:
        message, changes = _change(history)
        shas.append(history.commit(branch, message, person, at - timedelta(hours=1), changes))
    values = {
        "iid": iid,
        "project_id": project.id,
        "title": title,
        "description": "The validation metrics are in the run of this branch.",
        "source_branch": branch,
        "target_branch": "main",
        "sha": shas[-1],
        "author_id": person["id"],
        "created_at": timestamp(opened),
        "updated_at": timestamp(at),
    }
    if merged:
        values |= _merge(history, iid, branch, title, at, shas[-1])
    request_id = database.insert("merge_requests", values)
    for sha in shas:
        database.insert("merge_request_commits", {"merge_request_id": request_id, "sha": sha})


def _merge(history: _History, iid: int, branch: str, title: str, at: datetime, head: str) -> dict[str, object]:
    database, project, maintainer = history.database, history.project, history.people[0]
    message = f"Merge branch '{branch}' into 'main'\n\n{title}\n\nSee merge request {project.full_path}!{iid}"
    changed = database.all(
        "SELECT t.path, b.content FROM tree_entries t JOIN blobs b ON b.id = t.blob_id"
        " WHERE t.project_id = ? AND t.sha = ? AND t.path IN ('params.yml', 'features.py')",
        (project.id, head),
    )
    author = Author(maintainer["name"], maintainer["email"])
    changes = {row["path"]: bytes(row["content"]) for row in changed}
    merge = commit_files(database, project.id, "main", message, author, timestamp(at), changes, merged=[head])
    database.execute("DELETE FROM branches WHERE project_id = ? AND name = ?", (project.id, branch))
    return {
        "state": "merged",
        "merge_commit_sha": merge,
        "merged_at": timestamp(at),
        "merged_by_id": maintainer["id"],
    }


def _issues(history: _History, now: datetime) -> None:
    database, project, random = history.database, history.project, history.random
    for number, (title, label, description, state) in enumerate(_ISSUES):
        at = now - timedelta(days=50 - 10 * number, hours=random.randrange(12))
        author, other = random.sample(history.people, 2)
        closed = state == "closed"
        issue_id = database.insert(
            "issues",
            {
                "iid": allocate(database, project.id, "issues"),
                "project_id": project.id,
                "title": title,
                "description": description,
                "state": state,
                "author_id": author["id"],
                "created_at": timestamp(at),
                "updated_at": timestamp(at + timedelta(days=2)),
                "closed_at": timestamp(at + timedelta(days=2)) if closed else None,
                "closed_by_id": other["id"] if closed else None,
            },
        )
        database.execute(
            "INSERT INTO label_links SELECT 'Issue', ?, id FROM labels WHERE project_id = ? AND name = ?",
            (issue_id, project.id, label),
        )
        place = {"project_id": project.id, "noteable_type": "Issue", "noteable_id": issue_id}
        for offset, reply in enumerate(random.sample(_REPLIES, 2), start=1):
            written = timestamp(at + timedelta(hours=7 * offset))
            note = {"author_id": other["id"], "body": reply, "created_at": written, "updated_at": written}
            database.insert("notes", {**place, **note})
