-- +goose Up
-- Of the parts of a long text: the Idempotency-Key of its first try, NULL before that and of whole messages.
ALTER TABLE messages ADD COLUMN push_key TEXT;

-- +goose Down
ALTER TABLE messages DROP COLUMN push_key;
