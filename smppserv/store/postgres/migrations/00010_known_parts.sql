-- +goose Up
-- +goose StatementBegin
-- given and came tell of all parts of the text as long as known = xmin, the transaction that wrote the row last. So whoever writes the row
-- and does not note its parts ends that, also a program of before.
ALTER TABLE groups ADD COLUMN known xid;
-- +goose StatementEnd
