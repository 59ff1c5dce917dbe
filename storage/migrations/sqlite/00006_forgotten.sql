-- +goose Up
-- forgotten is the number of the newest change that was removed from channel_events for its age: who has
-- seen less of the channel cannot be told all that it missed.
ALTER TABLE channels ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE channels DROP COLUMN forgotten;
