CREATE TABLE IF NOT EXISTS models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    description TEXT,
    user_id INTEGER REFERENCES users (id),
    default_experiment_id INTEGER NOT NULL UNIQUE REFERENCES experiments (id),
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, name)
);
CREATE TABLE IF NOT EXISTS model_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    package_id INTEGER REFERENCES packages (id) ON DELETE SET NULL,
    version TEXT NOT NULL,
    major INTEGER NOT NULL,
    minor INTEGER NOT NULL,
    patch INTEGER NOT NULL,
    prerelease TEXT,
    description TEXT,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (model_id, version)
);
CREATE INDEX IF NOT EXISTS model_versions_by_precedence ON model_versions (model_id, major, minor, patch);
CREATE INDEX IF NOT EXISTS model_versions_by_package ON model_versions (package_id);
