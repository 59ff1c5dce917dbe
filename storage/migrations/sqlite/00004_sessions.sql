-- +goose Up
-- A session and a job end with their channel. renewed_at is when the timeout of a session began last.
CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    channel_id    TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    agent_id      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    timeout       INTEGER NOT NULL,
    auto_renew    INTEGER NOT NULL,
    max_duration  INTEGER NOT NULL,
    warning       INTEGER NOT NULL,
    renewals      INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    renewed_at    INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    metadata      TEXT
);
CREATE INDEX sessions_channel ON sessions (channel_id);
CREATE INDEX sessions_created ON sessions (created_at DESC, id);
CREATE INDEX sessions_expires ON sessions (expires_at, warning);

-- How a job stands is told by its question: its completion and its deliveries.
CREATE TABLE jobs (
    id         TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    agent_id   TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    metadata   TEXT
);
CREATE INDEX jobs_channel ON jobs (channel_id);
CREATE INDEX jobs_created ON jobs (created_at DESC, id);
CREATE INDEX jobs_expires ON jobs (expires_at);

-- +goose Down
DROP TABLE jobs;
DROP TABLE sessions;
