-- +goose Up
-- What agents know. Every row is one agent's own: ids of worlds, rooms and entities repeat between agents.
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
CREATE INDEX rooms_list ON rooms (agent_id, created_at DESC, id DESC);
CREATE INDEX rooms_channel ON rooms (channel_id);
CREATE INDEX rooms_world ON rooms (world_id);
CREATE INDEX rooms_server ON rooms (server_id);

CREATE TABLE entities (
    agent_id   TEXT NOT NULL,
    id         TEXT NOT NULL,
    names      TEXT NOT NULL DEFAULT '[]',
    metadata   TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, id)
) WITHOUT ROWID;

-- state is how the agent stands to the room, on its own row: FOLLOWED, MUTED or nothing.
CREATE TABLE room_participants (
    agent_id  TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    state     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (agent_id, room_id, entity_id),
    FOREIGN KEY (agent_id, room_id) REFERENCES rooms (agent_id, id) ON DELETE CASCADE
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

-- type is the table name of the contract. source_id is the central message a memory came from, document_id
-- the document it is a piece of. embedding is little-endian float32; it comes last, so that reads without
-- it do not touch its pages.
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
CREATE INDEX memories_list ON memories (agent_id, type, created_at DESC, id DESC);
CREATE INDEX memories_room ON memories (agent_id, room_id, type, created_at DESC, id DESC);
CREATE INDEX memories_source ON memories (source_id) WHERE source_id IS NOT NULL;
CREATE INDEX memories_document ON memories (agent_id, document_id) WHERE document_id IS NOT NULL;

-- run_id, parent_run_id, run_status and model_type repeat what body says. The indexes have what lists
-- filter by, so that bodies are read only of what is shown.
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
CREATE INDEX agent_logs_run ON agent_logs (agent_id, run_id, type, created_at, run_status, room_id) WHERE run_id IS NOT NULL;
CREATE INDEX agent_logs_parent ON agent_logs (agent_id, parent_run_id) WHERE parent_run_id IS NOT NULL;

-- +goose Down
DROP TABLE agent_logs;
DROP TABLE memories;
DROP TABLE relationships;
DROP TABLE room_participants;
DROP TABLE entities;
DROP TABLE rooms;
DROP TABLE worlds;
