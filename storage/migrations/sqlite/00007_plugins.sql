-- +goose Up
-- Which steps of plugins have run; their own tables are theirs.
CREATE TABLE plugin_migrations (
    plugin     TEXT NOT NULL,
    number     INTEGER NOT NULL,
    name       TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, number)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE plugin_migrations;
