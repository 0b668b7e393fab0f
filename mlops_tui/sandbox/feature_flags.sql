CREATE TABLE IF NOT EXISTS feature_flags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    description TEXT,
    active INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, name)
);
CREATE TABLE IF NOT EXISTS feature_flag_strategies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    feature_flag_id INTEGER NOT NULL REFERENCES feature_flags (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    parameters TEXT NOT NULL DEFAULT '{}',
    user_list_id INTEGER REFERENCES feature_flag_user_lists (id)
);
CREATE TABLE IF NOT EXISTS feature_flag_scopes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    strategy_id INTEGER NOT NULL REFERENCES feature_flag_strategies (id) ON DELETE CASCADE,
    environment_scope TEXT NOT NULL,
    UNIQUE (strategy_id, environment_scope)
);
CREATE TABLE IF NOT EXISTS feature_flag_user_lists (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    user_xids TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, name),
    UNIQUE (project_id, iid)
);
-- What serving applications present instead of a token.
CREATE TABLE IF NOT EXISTS feature_flag_clients (
    project_id INTEGER PRIMARY KEY REFERENCES projects (id),
    instance_id TEXT NOT NULL
);
