CREATE TABLE IF NOT EXISTS branches (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    sha TEXT NOT NULL,
    protected INTEGER NOT NULL DEFAULT 0,
    developers_can_merge INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, name)
);
