CREATE TABLE IF NOT EXISTS experiments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    iid INTEGER NOT NULL,
    name TEXT NOT NULL,
    user_id INTEGER REFERENCES users (id),
    -- a list of {key, value}, in the order they were set
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, iid),
    UNIQUE (project_id, name)
);
