CREATE TABLE IF NOT EXISTS personal_access_tokens (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL DEFAULT 'personal',
    scopes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked INTEGER NOT NULL DEFAULT 0,
    last_used_at TEXT
);
CREATE TABLE IF NOT EXISTS job_tokens (
    digest TEXT PRIMARY KEY,
    job_id INTEGER NOT NULL UNIQUE,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    user_id INTEGER NOT NULL REFERENCES users (id)
);
CREATE TABLE IF NOT EXISTS job_token_allowlist (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    source_project_id INTEGER NOT NULL REFERENCES projects (id),
    PRIMARY KEY (project_id, source_project_id)
);
