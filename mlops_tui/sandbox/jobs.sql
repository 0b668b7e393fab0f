CREATE TABLE IF NOT EXISTS ci_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    pipeline_id INTEGER NOT NULL REFERENCES ci_pipelines (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    stage TEXT NOT NULL,
    stage_index INTEGER NOT NULL,
    status TEXT NOT NULL,
    run_when TEXT NOT NULL DEFAULT 'on_success',
    allow_failure INTEGER NOT NULL DEFAULT 0,
    needs TEXT,
    script TEXT NOT NULL DEFAULT '[]',
    variables TEXT NOT NULL DEFAULT '{}',
    tags TEXT NOT NULL DEFAULT '[]',
    start_in REAL,
    manual_confirmation TEXT,
    environment_id INTEGER REFERENCES environments (id) ON DELETE SET NULL,
    environment_action TEXT,
    environment_url TEXT,
    on_stop TEXT,
    resource_group_id INTEGER REFERENCES resource_groups (id),
    runner_id INTEGER,
    created_at TEXT NOT NULL,
    queued_at TEXT,
    scheduled_at TEXT,
    started_at TEXT,
    finished_at TEXT,
    erased_at TEXT,
    due_at TEXT,
    failure_reason TEXT,
    exit_code INTEGER,
    retried INTEGER NOT NULL DEFAULT 0,
    timeline TEXT
);
CREATE INDEX IF NOT EXISTS jobs_due ON ci_jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_of_pipeline ON ci_jobs (pipeline_id);
CREATE INDEX IF NOT EXISTS jobs_of_project ON ci_jobs (project_id, id);
CREATE INDEX IF NOT EXISTS jobs_of_resource_group ON ci_jobs (resource_group_id, status);
CREATE TABLE IF NOT EXISTS ci_job_faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    job_name TEXT NOT NULL,
    message TEXT NOT NULL,
    exit_code INTEGER NOT NULL DEFAULT 1
);
