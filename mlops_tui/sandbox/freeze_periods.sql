CREATE TABLE IF NOT EXISTS freeze_periods (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    freeze_start TEXT NOT NULL,
    freeze_end TEXT NOT NULL,
    cron_timezone TEXT NOT NULL DEFAULT 'UTC',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
