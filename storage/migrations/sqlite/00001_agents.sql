-- +goose Up
-- character is the whole document, secrets encrypted; bio is its first line, for lists.
CREATE TABLE agents (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    bio        TEXT NOT NULL DEFAULT '',
    active     INTEGER NOT NULL DEFAULT 0,
    version    INTEGER NOT NULL DEFAULT 1,
    character  TEXT NOT NULL,
    started_at INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX agents_list ON agents (active DESC, name COLLATE NOCASE, id);
CREATE INDEX agents_started ON agents (started_at, id) WHERE active;

-- +goose Down
DROP TABLE agents;
