CREATE TABLE IF NOT EXISTS award_emoji (
    id INTEGER PRIMARY KEY,
    awardable_type TEXT NOT NULL,
    awardable_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (awardable_type, awardable_id, user_id, name)
);
