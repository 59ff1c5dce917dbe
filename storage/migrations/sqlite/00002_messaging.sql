-- +goose Up
CREATE TABLE message_servers (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_id   TEXT NOT NULL DEFAULT '',
    metadata    TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE message_server_agents (
    server_id TEXT NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    agent_id  TEXT NOT NULL,
    PRIMARY KEY (server_id, agent_id)
) WITHOUT ROWID;
CREATE INDEX message_server_agents_agent ON message_server_agents (agent_id);

-- head is the number of the channel's latest change, last_at the time of its latest message.
CREATE TABLE channels (
    id          TEXT PRIMARY KEY,
    server_id   TEXT NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    type        TEXT NOT NULL,
    source_type TEXT NOT NULL DEFAULT '',
    source_id   TEXT NOT NULL DEFAULT '',
    topic       TEXT NOT NULL DEFAULT '',
    metadata    TEXT,
    dm_key      TEXT,
    head        INTEGER NOT NULL DEFAULT 0,
    last_at     INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX channels_server ON channels (server_id, updated_at DESC, id);
CREATE UNIQUE INDEX channels_dm ON channels (server_id, dm_key) WHERE dm_key IS NOT NULL;
CREATE INDEX channels_source ON channels (server_id, source_id) WHERE source_id <> '';

CREATE TABLE channel_participants (
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    entity_id  TEXT NOT NULL,
    position   INTEGER NOT NULL,
    PRIMARY KEY (channel_id, entity_id)
) WITHOUT ROWID;
CREATE INDEX channel_participants_entity ON channel_participants (entity_id);

-- complete_seq is the number of the change that completed the message, open_deliveries how many of its
-- deliveries have not ended.
CREATE TABLE central_messages (
    id              TEXT PRIMARY KEY,
    channel_id      TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    author_id       TEXT NOT NULL,
    by_agent        INTEGER NOT NULL DEFAULT 0,
    content         TEXT NOT NULL,
    raw_message     TEXT,
    metadata        TEXT,
    source_type     TEXT NOT NULL DEFAULT '',
    source_id       TEXT NOT NULL DEFAULT '',
    in_reply_to     TEXT NOT NULL DEFAULT '',
    dedup_key       TEXT,
    seq             INTEGER NOT NULL,
    complete_seq    INTEGER,
    open_deliveries INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
);
CREATE UNIQUE INDEX central_messages_seq ON central_messages (channel_id, seq);
CREATE INDEX central_messages_time ON central_messages (channel_id, created_at, seq);
CREATE UNIQUE INDEX central_messages_complete ON central_messages (channel_id, complete_seq) WHERE complete_seq IS NOT NULL;
CREATE UNIQUE INDEX central_messages_dedup ON central_messages (channel_id, dedup_key) WHERE dedup_key IS NOT NULL;

-- Numbered changes that are not on a message row: edits, deletions, clears, completions of what is gone.
CREATE TABLE channel_events (
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    message_id TEXT NOT NULL DEFAULT '',
    result     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (channel_id, seq)
) WITHOUT ROWID;
CREATE INDEX channel_events_age ON channel_events (created_at);

CREATE TABLE deliveries (
    id           TEXT PRIMARY KEY,
    message_id   TEXT NOT NULL REFERENCES central_messages (id) ON DELETE CASCADE,
    agent_id     TEXT NOT NULL,
    channel_id   TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    state        TEXT NOT NULL,
    acting       INTEGER NOT NULL DEFAULT 0,
    attempt      INTEGER NOT NULL DEFAULT 0,
    crashes      INTEGER NOT NULL DEFAULT 0,
    owner        TEXT NOT NULL DEFAULT '',
    lease_until  INTEGER NOT NULL DEFAULT 0,
    available_at INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT NOT NULL DEFAULT '',
    replies      TEXT NOT NULL DEFAULT '[]',
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX deliveries_message ON deliveries (message_id, agent_id);
CREATE INDEX deliveries_lane ON deliveries (agent_id, channel_id, seq) WHERE state IN ('pending', 'leased');
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at > 0;

-- +goose Down
DROP TABLE deliveries;
DROP TABLE channel_events;
DROP TABLE central_messages;
DROP TABLE channel_participants;
DROP TABLE channels;
DROP TABLE message_server_agents;
DROP TABLE message_servers;
