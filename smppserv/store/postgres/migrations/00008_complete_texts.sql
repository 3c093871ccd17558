-- +goose Up
-- +goose StatementBegin
-- The numbers of the parts that epoch is given, an octet each, as they came in at any worker, and how many of these it has. When it has all,
-- and each was given once, the row goes: the next text under the reference may begin elsewhere.
ALTER TABLE groups ADD COLUMN given bytea NOT NULL DEFAULT '', ADD COLUMN came integer NOT NULL DEFAULT 0;
-- +goose StatementEnd
