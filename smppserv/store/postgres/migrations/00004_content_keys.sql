-- +goose Up
-- +goose StatementBegin
-- The keys that texts of messages are sealed with.
CREATE TABLE content_keys (
    id    text COLLATE "C" PRIMARY KEY,
    proof bytea  NOT NULL,   -- by which another key of the same id is noticed
    up_to bigint NOT NULL    -- no message above is sealed with it; 0 = it is in use
);
-- +goose StatementEnd
