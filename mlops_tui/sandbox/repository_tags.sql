CREATE TABLE IF NOT EXISTS repository_tags (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    sha TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    PRIMARY KEY (project_id, name)
);
