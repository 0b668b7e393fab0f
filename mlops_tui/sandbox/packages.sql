CREATE TABLE IF NOT EXISTS packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    version TEXT,
    package_type TEXT NOT NULL DEFAULT 'ml_model',
    status TEXT NOT NULL DEFAULT 'default',
    creator_id INTEGER REFERENCES users (id),
    ci_build_id INTEGER,
    created_at TEXT NOT NULL,
    last_downloaded_at TEXT
);
CREATE INDEX IF NOT EXISTS packages_by_name ON packages (project_id, name, version);
-- `blob` names the file below the folder of blobs; it belongs to this row alone.
CREATE TABLE IF NOT EXISTS package_files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    file_sha256 TEXT NOT NULL,
    blob TEXT NOT NULL,
    ci_build_id INTEGER,
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS package_files_by_name ON package_files (package_id, file_name);
CREATE TABLE IF NOT EXISTS plan_limits (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
-- bytes: 10 GiB a file
INSERT OR IGNORE INTO plan_limits (name, value) VALUES ('ml_model_max_file_size', 10737418240);
