-- +goose Up
-- Messages above message_id, up to this one, were on their way to disk when the clock was set, and their own times tell on which side they are.
ALTER TABLE clock_steps ADD COLUMN on_their_way INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE clock_steps DROP COLUMN on_their_way;
