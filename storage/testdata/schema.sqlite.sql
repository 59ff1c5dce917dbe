CREATE TABLE agent_logs (
    id            TEXT NOT NULL,
    agent_id      TEXT NOT NULL,
    entity_id     TEXT NOT NULL DEFAULT '',
    room_id       TEXT NOT NULL DEFAULT '',
    type          TEXT NOT NULL,
    model_type    TEXT NOT NULL DEFAULT '',
    run_id        TEXT,
    parent_run_id TEXT,
    run_status    TEXT NOT NULL DEFAULT '',
    created_at    INTEGER NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (id, agent_id)
);
CREATE INDEX agent_logs_list ON agent_logs (agent_id, created_at DESC, id DESC, type, room_id);
CREATE INDEX agent_logs_parent ON agent_logs (agent_id, parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX agent_logs_run ON agent_logs (agent_id, run_id, type, created_at, run_status, room_id) WHERE run_id IS NOT NULL;
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
CREATE UNIQUE INDEX central_messages_complete ON central_messages (channel_id, complete_seq) WHERE complete_seq IS NOT NULL;
CREATE UNIQUE INDEX central_messages_dedup ON central_messages (channel_id, dedup_key) WHERE dedup_key IS NOT NULL;
CREATE UNIQUE INDEX central_messages_seq ON central_messages (channel_id, seq);
CREATE INDEX central_messages_time ON central_messages (channel_id, created_at, seq);
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
CREATE TABLE channel_participants (
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    entity_id  TEXT NOT NULL,
    position   INTEGER NOT NULL,
    PRIMARY KEY (channel_id, entity_id)
) WITHOUT ROWID;
CREATE INDEX channel_participants_entity ON channel_participants (entity_id);
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
, forgotten INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE UNIQUE INDEX channels_dm ON channels (server_id, dm_key) WHERE dm_key IS NOT NULL;
CREATE INDEX channels_server ON channels (server_id, updated_at DESC, id);
CREATE INDEX channels_source ON channels (server_id, source_id) WHERE source_id <> '';
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
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at > 0;
CREATE INDEX deliveries_lane ON deliveries (agent_id, channel_id, seq) WHERE state IN ('pending', 'leased');
CREATE UNIQUE INDEX deliveries_message ON deliveries (message_id, agent_id);
CREATE TABLE entities (
    agent_id   TEXT NOT NULL,
    id         TEXT NOT NULL,
    names      TEXT NOT NULL DEFAULT '[]',
    metadata   TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, id)
) WITHOUT ROWID;
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
CREATE TABLE memories (
    id              TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    type            TEXT NOT NULL,
    room_id         TEXT NOT NULL DEFAULT '',
    world_id        TEXT NOT NULL DEFAULT '',
    entity_id       TEXT NOT NULL DEFAULT '',
    source_id       TEXT,
    document_id     TEXT,
    is_unique       INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    embedding_model TEXT NOT NULL DEFAULT '',
    embedding_dim   INTEGER NOT NULL DEFAULT 0,
    content         TEXT NOT NULL,
    metadata        TEXT,
    embedding       BLOB,
    PRIMARY KEY (id, agent_id)
);
CREATE INDEX memories_document ON memories (agent_id, document_id) WHERE document_id IS NOT NULL;
CREATE INDEX memories_embedding ON memories (agent_id, embedding_model, embedding_dim, created_at DESC, id DESC);
CREATE INDEX memories_list ON memories (agent_id, type, created_at DESC, id DESC);
CREATE INDEX memories_room ON memories (agent_id, room_id, type, created_at DESC, id DESC);
CREATE INDEX memories_source ON memories (source_id) WHERE source_id IS NOT NULL;
CREATE TABLE message_server_agents (
    server_id TEXT NOT NULL REFERENCES message_servers (id) ON DELETE CASCADE,
    agent_id  TEXT NOT NULL,
    PRIMARY KEY (server_id, agent_id)
) WITHOUT ROWID;
CREATE INDEX message_server_agents_agent ON message_server_agents (agent_id);
CREATE TABLE message_servers (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_id   TEXT NOT NULL DEFAULT '',
    metadata    TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE plugin_migrations (
    plugin     TEXT NOT NULL,
    number     INTEGER NOT NULL,
    name       TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, number)
) WITHOUT ROWID;
CREATE TABLE relationships (
    agent_id         TEXT NOT NULL,
    source_entity_id TEXT NOT NULL,
    target_entity_id TEXT NOT NULL,
    id               TEXT NOT NULL,
    tags             TEXT NOT NULL DEFAULT '[]',
    metadata         TEXT,
    interactions     INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (agent_id, source_entity_id, target_entity_id)
) WITHOUT ROWID;
CREATE INDEX relationships_target ON relationships (agent_id, target_entity_id);
CREATE TABLE room_participants (
    agent_id  TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    state     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (agent_id, room_id, entity_id),
    FOREIGN KEY (agent_id, room_id) REFERENCES rooms (agent_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE rooms (
    agent_id   TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    source     TEXT NOT NULL DEFAULT '',
    type       TEXT NOT NULL,
    channel_id TEXT NOT NULL DEFAULT '',
    world_id   TEXT NOT NULL DEFAULT '',
    server_id  TEXT NOT NULL DEFAULT '',
    metadata   TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, id)
) WITHOUT ROWID;
CREATE INDEX rooms_channel ON rooms (channel_id);
CREATE INDEX rooms_list ON rooms (agent_id, created_at DESC, id DESC);
CREATE INDEX rooms_server ON rooms (server_id);
CREATE INDEX rooms_world ON rooms (world_id);
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
CREATE TABLE worlds (
    agent_id   TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    server_id  TEXT NOT NULL DEFAULT '',
    metadata   TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, id)
) WITHOUT ROWID;
CREATE INDEX worlds_age ON worlds (created_at, id, agent_id);
