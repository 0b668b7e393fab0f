CREATE TABLE IF NOT EXISTS commits (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    sha TEXT NOT NULL,
    message TEXT NOT NULL,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    committed_at TEXT NOT NULL,
    additions INTEGER NOT NULL DEFAULT 0,
    deletions INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, sha)
);
CREATE TABLE IF NOT EXISTS commit_parents (
    project_id INTEGER NOT NULL,
    sha TEXT NOT NULL,
    position INTEGER NOT NULL,
    parent_sha TEXT NOT NULL,
    PRIMARY KEY (project_id, sha, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    id TEXT PRIMARY KEY,
    content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS tree_entries (
    project_id INTEGER NOT NULL,
    sha TEXT NOT NULL,
    path TEXT NOT NULL,
    blob_id TEXT NOT NULL REFERENCES blobs (id),
    last_commit_sha TEXT NOT NULL,
    executable INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, sha, path)
) WITHOUT ROWID;
