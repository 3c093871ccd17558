-- +goose Up
-- +goose StatementBegin
-- The name of the worker that an epoch was a life of, '' = not known: by its clock are the times of what it accepted.
ALTER TABLE estates ADD COLUMN node text COLLATE "C" NOT NULL DEFAULT '';
-- +goose StatementEnd
