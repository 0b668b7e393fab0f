CREATE TABLE IF NOT EXISTS environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    external_url TEXT,
    description TEXT,
    tier TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'available',
    auto_stop_at TEXT,
    auto_stop_setting TEXT NOT NULL DEFAULT 'always',
    kubernetes_namespace TEXT,
    flux_resource_path TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, name)
);
