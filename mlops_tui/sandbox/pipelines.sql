CREATE TABLE IF NOT EXISTS ci_pipelines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT,
    ref TEXT NOT NULL,
    tag INTEGER NOT NULL DEFAULT 0,
    sha TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    due_at TEXT,
    UNIQUE (project_id, iid)
);
CREATE INDEX IF NOT EXISTS pipelines_due ON ci_pipelines (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS pipelines_of_sha ON ci_pipelines (project_id, sha);
CREATE TABLE IF NOT EXISTS ci_pipeline_variables (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_id INTEGER NOT NULL REFERENCES ci_pipelines (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    variable_type TEXT NOT NULL DEFAULT 'env_var',
    UNIQUE (pipeline_id, key)
);
