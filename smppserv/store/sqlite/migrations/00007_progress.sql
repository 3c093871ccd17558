-- +goose Up
-- Of a text that goes to a client in several deliver_sm: which of them the client has, and how they were cut; see the progress of
-- smppserv/smsc/translate. NULL = nothing is known, as of most messages.
ALTER TABLE messages ADD COLUMN progress BLOB;

-- +goose Down
ALTER TABLE messages DROP COLUMN progress;
