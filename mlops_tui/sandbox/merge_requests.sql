CREATE TABLE IF NOT EXISTS merge_requests (
    id INTEGER PRIMARY KEY,
    iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    title TEXT NOT NULL,
    description TEXT,
    state TEXT NOT NULL DEFAULT 'opened',
    source_branch TEXT NOT NULL,
    target_branch TEXT NOT NULL,
    sha TEXT NOT NULL,
    merge_commit_sha TEXT,
    author_id INTEGER NOT NULL REFERENCES users (id),
    draft INTEGER NOT NULL DEFAULT 0,
    discussion_locked INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    merged_at TEXT,
    merged_by_id INTEGER REFERENCES users (id),
    closed_at TEXT,
    closed_by_id INTEGER REFERENCES users (id),
    UNIQUE (project_id, iid)
);
CREATE TABLE IF NOT EXISTS merge_request_commits (
    merge_request_id INTEGER NOT NULL REFERENCES merge_requests (id),
    sha TEXT NOT NULL,
    PRIMARY KEY (merge_request_id, sha)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS merge_request_approvals (
    merge_request_id INTEGER NOT NULL REFERENCES merge_requests (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    approved_at TEXT NOT NULL,
    PRIMARY KEY (merge_request_id, user_id)
) WITHOUT ROWID;
