-- +goose Up
-- Which vectors an agent's memories have, and which want one: embedding_model '' is waiting, 'given' a vector
-- of unknown make.
UPDATE memories SET embedding_model = 'given' WHERE embedding_model = '' AND embedding_dim > 0;
CREATE INDEX memories_embedding ON memories (agent_id, embedding_model, embedding_dim, created_at DESC, id DESC);

-- +goose Down
DROP INDEX memories_embedding;
