CREATE TABLE IF NOT EXISTS deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    job_id INTEGER REFERENCES ci_jobs (id) ON DELETE SET NULL,
    ref TEXT NOT NULL,
    tag INTEGER NOT NULL,
    sha TEXT NOT NULL,
    status TEXT NOT NULL,
    on_stop TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    finished_at TEXT,
    UNIQUE (project_id, iid)
);
CREATE INDEX IF NOT EXISTS deployments_of_environment ON deployments (environment_id, status, finished_at);
CREATE INDEX IF NOT EXISTS deployments_of_job ON deployments (job_id);
