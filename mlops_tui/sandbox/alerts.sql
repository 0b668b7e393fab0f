-- A project's HTTP integration for alerts, and what came in by it (GitLab: alert_management_http_integrations, alerts).
CREATE TABLE IF NOT EXISTS alert_integrations (
    project_id INTEGER PRIMARY KEY REFERENCES projects (id),
    name TEXT NOT NULL,
    endpoint_identifier TEXT NOT NULL,
    token TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    iid INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    severity TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'triggered',
    fingerprint TEXT,
    monitoring_tool TEXT,
    service TEXT,
    hosts TEXT NOT NULL DEFAULT '[]',
    environment_id INTEGER REFERENCES environments (id),
    events INTEGER NOT NULL DEFAULT 1,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    payload TEXT NOT NULL,
    UNIQUE (project_id, iid)
);
CREATE INDEX IF NOT EXISTS alerts_by_fingerprint ON alerts (project_id, fingerprint);
