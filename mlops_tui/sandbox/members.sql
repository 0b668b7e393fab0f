CREATE TABLE IF NOT EXISTS members (
    id INTEGER PRIMARY KEY,
    source_type TEXT NOT NULL CHECK (source_type IN ('group', 'project')),
    source_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    access_level INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    created_by_id INTEGER REFERENCES users (id),
    expires_at TEXT,
    UNIQUE (source_type, source_id, user_id)
);
