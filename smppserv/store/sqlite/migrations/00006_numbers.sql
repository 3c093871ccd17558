-- +goose Up
-- The index of numbers, see package runs. What earlier versions wrote to conversations stays until it is old.
CREATE TABLE runs (
    number      INTEGER PRIMARY KEY,
    level       INTEGER NOT NULL,
    state       INTEGER NOT NULL,     -- 1 growing, 2 whole, 3 leaving
    first_id    INTEGER NOT NULL,     -- a message_id, as last_id
    last_id     INTEGER NOT NULL,
    pairs       INTEGER NOT NULL,
    newest_only INTEGER NOT NULL,     -- pairs with a key of which only the newest id counts
    blocks      INTEGER NOT NULL,     -- pieces that are written, as directory and filter
    directory   INTEGER NOT NULL,
    filter      INTEGER NOT NULL
) STRICT;

CREATE TABLE run_pieces (
    place INTEGER PRIMARY KEY,        -- run << 32 | piece
    data  BLOB NOT NULL
) STRICT;

-- +goose Down
DROP TABLE run_pieces;
DROP TABLE runs;
