-- +goose Up
-- +goose StatementBegin
-- Messages above message_id, up to this one, were on their way to disk when the clock was set, and their own times tell on which side they are.
ALTER TABLE clock_steps ADD COLUMN on_their_way bigint NOT NULL DEFAULT 0;
-- +goose StatementEnd
