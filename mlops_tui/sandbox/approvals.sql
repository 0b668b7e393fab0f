CREATE TABLE IF NOT EXISTS deployment_approvals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment_id INTEGER NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    approval_rule_id INTEGER NOT NULL REFERENCES approval_rules (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    comment TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (deployment_id, user_id, approval_rule_id)
);
