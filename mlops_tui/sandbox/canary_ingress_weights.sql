CREATE TABLE IF NOT EXISTS canary_ingress_weights (
    environment_id INTEGER PRIMARY KEY REFERENCES environments (id) ON DELETE CASCADE,
    weight INTEGER NOT NULL
);
