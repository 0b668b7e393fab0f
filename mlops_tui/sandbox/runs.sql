-- A run is what GitLab calls a candidate. `metrics` (the last row of each key, by key), `params` and `tags` (in the
-- order they were logged) are prepared JSON lists of what the API shows, so that long lists are cheap to read.
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    iid INTEGER NOT NULL,
    eid TEXT NOT NULL UNIQUE,
    name TEXT,
    status INTEGER NOT NULL DEFAULT 0,
    start_time INTEGER NOT NULL DEFAULT 0,
    end_time INTEGER,
    user_id INTEGER REFERENCES users (id),
    ci_build_id INTEGER,
    package_id INTEGER REFERENCES packages (id) ON DELETE SET NULL,
    model_version_id INTEGER UNIQUE REFERENCES model_versions (id) ON DELETE SET NULL,
    metrics TEXT NOT NULL DEFAULT '[]',
    params TEXT NOT NULL DEFAULT '[]',
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, iid)
);
CREATE INDEX IF NOT EXISTS runs_by_experiment ON runs (experiment_id, created_at, id);
CREATE INDEX IF NOT EXISTS runs_by_package ON runs (package_id);
CREATE INDEX IF NOT EXISTS runs_by_job ON runs (ci_build_id) WHERE ci_build_id IS NOT NULL;

-- Every row that was ever logged; a value that is no number is NULL.
CREATE TABLE IF NOT EXISTS metrics (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value REAL,
    tracked_at INTEGER NOT NULL,
    step INTEGER
);
CREATE INDEX IF NOT EXISTS metrics_by_run ON metrics (run_id, name);
