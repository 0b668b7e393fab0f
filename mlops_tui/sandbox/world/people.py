"""The people of the worlds, their group and their projects."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.settings import World

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.clock import Clock
    from mlops_tui.sandbox.database import Database

# The role a token is announced under, and the user name it belongs to.
ROLES = {"maintainer": "mona", "developer": "dev", "approver": "ada", "reporter": "rita"}

_PEOPLE = (
    (1, "root", "Administrator", "", None),
    (2, "mona", "Mona Maier", "ML platform engineer", Role.MAINTAINER),
    (3, "dev", "Devon Okafor", "Data scientist", Role.DEVELOPER),
    (4, "ada", "Ada Lindqvist", "Model risk officer", Role.MAINTAINER),
    (5, "rita", "Rita Rossi", "Business analyst", Role.REPORTER),
    (6, "sam", "Sam Sato", "Data scientist", Role.DEVELOPER),
)
_PROJECTS = {
    World.EMPTY: (("sandbox", "empty", "An empty project to try things in."),),
    World.LARGE: (("acme", "fraud", "Card fraud detection, with very many runs."),),
    World.DEMO: (
        ("acme", "fraud", "Card fraud detection: scores every payment before it is authorised."),
        ("acme", "churn", "Predicts which subscribers are about to leave."),
        ("acme", "demand", "Weekly demand forecast per store and article."),
    ),
}
FIRST_GROUP_ID = 10
FIRST_PROJECT_ID = 101


def build(world: World, database: Database, clock: Clock, random: Random) -> None:
    """Insert users, the group, its members and its projects."""
    born = clock.now() - timedelta(days=400)
    for user_id, username, name, job_title, _ in _PEOPLE:
        created = born + timedelta(days=random.randrange(0, 60))
        database.insert(
            "users",
            {
                "id": user_id,
                "username": username,
                "name": name,
                "email": f"{username}@acme.example",
                "admin": int(username == "root"),
                "job_title": job_title,
                "created_at": timestamp(created),
                "last_activity_on": timestamp(clock.now())[:10],
            },
        )
    for offset, (group, path, description) in enumerate(_PROJECTS[world]):
        group_id = _group(database, group, timestamp(born))
        database.insert(
            "projects",
            {
                "id": FIRST_PROJECT_ID + offset,
                "namespace_id": group_id,
                "name": path,
                "path": path,
                "full_path": f"{group}/{path}",
                "description": description,
                "creator_id": 2,
                "created_at": timestamp(born + timedelta(days=90 + offset)),
                "last_activity_at": timestamp(clock.now()),
                "attributes": json.dumps({}),
            },
        )


def _group(database: Database, path: str, created_at: str) -> int:
    found = database.value("SELECT id FROM namespaces WHERE full_path = ?", (path,))
    if found is not None:
        return int(found)
    group_id = database.insert(
        "namespaces",
        {"id": FIRST_GROUP_ID, "name": path.capitalize(), "path": path, "full_path": path, "created_at": created_at},
    )
    for user_id, _, _, _, role in _PEOPLE:
        if role is not None:
            values = {"source_type": "group", "source_id": group_id, "user_id": user_id, "access_level": int(role)}
            database.insert("members", {**values, "created_at": created_at, "created_by_id": 1})
    return group_id
