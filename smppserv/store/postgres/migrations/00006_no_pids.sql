-- +goose Up
-- +goose StatementBegin
-- Connections of a node are known by their application_name.
ALTER TABLE nodes DROP COLUMN pids;
-- +goose StatementEnd
