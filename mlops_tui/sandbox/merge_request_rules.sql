-- Approval rules of a project's merge requests; people and groups are JSON lists of ids.
CREATE TABLE IF NOT EXISTS merge_request_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    rule_type TEXT NOT NULL DEFAULT 'regular',
    approvals_required INTEGER NOT NULL,
    user_ids TEXT NOT NULL DEFAULT '[]',
    group_ids TEXT NOT NULL DEFAULT '[]',
    UNIQUE (project_id, name)
);
