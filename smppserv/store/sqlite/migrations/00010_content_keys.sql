-- +goose Up
-- The keys that texts of messages are sealed with.
CREATE TABLE content_keys (
    id    TEXT PRIMARY KEY,
    proof BLOB    NOT NULL,   -- by which another key of the same id is noticed
    up_to INTEGER NOT NULL    -- no message above is sealed with it; 0 = it is in use
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE content_keys;
