-- +goose Up
-- The wait from the last try, which failed, to due_at, in milliseconds; 0 = not known, or not tried; -1 = due_at was asked for
-- after that try.
ALTER TABLE messages ADD COLUMN wait INTEGER NOT NULL DEFAULT 0;

-- How the wall clock was set while the server ran, in that order, as long as a message waits whose times it gave before:
-- those up to message_id.
CREATE TABLE clock_steps (
    message_id INTEGER NOT NULL,
    set_from   INTEGER NOT NULL,
    set_to     INTEGER NOT NULL
) STRICT;

-- When a job that runs at a certain hour last ran.
CREATE TABLE jobs (
    name   TEXT    PRIMARY KEY,
    ran_at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE jobs;
DROP TABLE clock_steps;
ALTER TABLE messages DROP COLUMN wait;
