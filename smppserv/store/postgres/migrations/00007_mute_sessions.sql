-- +goose Up
-- +goose StatementBegin
-- A session leaves unanswered what it is sent as long as mute = at. So whoever writes the slot anew ends that, also a program of before.
ALTER TABLE slots ADD COLUMN mute xid8;
-- +goose StatementEnd
