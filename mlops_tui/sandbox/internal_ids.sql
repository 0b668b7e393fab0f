CREATE TABLE IF NOT EXISTS internal_ids (
    project_id INTEGER NOT NULL,
    usage TEXT NOT NULL,
    last_value INTEGER NOT NULL,
    PRIMARY KEY (project_id, usage)
) WITHOUT ROWID;
