-- Protection of a project's environment by name, or of a tier in all projects of a group.
CREATE TABLE IF NOT EXISTS protected_environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER REFERENCES projects (id),
    group_id INTEGER REFERENCES namespaces (id),
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (project_id, name),
    UNIQUE (group_id, name)
);
CREATE TABLE IF NOT EXISTS deploy_access_levels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    protected_environment_id INTEGER NOT NULL REFERENCES protected_environments (id) ON DELETE CASCADE,
    access_level INTEGER,
    user_id INTEGER REFERENCES users (id),
    group_id INTEGER REFERENCES namespaces (id),
    group_inheritance_type INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS approval_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    protected_environment_id INTEGER NOT NULL REFERENCES protected_environments (id) ON DELETE CASCADE,
    access_level INTEGER,
    user_id INTEGER REFERENCES users (id),
    group_id INTEGER REFERENCES namespaces (id),
    group_inheritance_type INTEGER NOT NULL DEFAULT 0,
    required_approvals INTEGER NOT NULL DEFAULT 1
);
