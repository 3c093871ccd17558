-- +goose Up
-- The messages of a submit_multi but its first one, by whose id the submitter knows them all.
CREATE TABLE submit_multi (
    message_id INTEGER PRIMARY KEY,
    known_by   INTEGER NOT NULL
) STRICT;

CREATE INDEX submit_multi_known_by ON submit_multi (known_by);

-- +goose Down
DROP TABLE submit_multi;
