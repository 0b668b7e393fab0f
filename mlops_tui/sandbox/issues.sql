CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    title TEXT NOT NULL,
    description TEXT,
    state TEXT NOT NULL DEFAULT 'opened',
    author_id INTEGER NOT NULL REFERENCES users (id),
    issue_type TEXT NOT NULL DEFAULT 'issue',
    confidential INTEGER NOT NULL DEFAULT 0,
    discussion_locked INTEGER,
    due_date TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    closed_at TEXT,
    closed_by_id INTEGER REFERENCES users (id),
    UNIQUE (project_id, iid)
);
CREATE TABLE IF NOT EXISTS assignees (
    target_type TEXT NOT NULL CHECK (target_type IN ('Issue', 'MergeRequest')),
    target_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (target_type, target_id, user_id)
) WITHOUT ROWID;
