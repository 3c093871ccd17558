-- +goose Up
-- +goose StatementBegin
-- How long the lease of a node is: who takes over from it waits for so long.
ALTER TABLE nodes ADD COLUMN lease_ms bigint NOT NULL DEFAULT 0;

-- What is asked is begun before begin_by, or not at all; after until nobody waits for the answer. A crash may forget it.
ALTER TABLE asks SET UNLOGGED;
ALTER TABLE asks ADD COLUMN begin_by timestamptz NOT NULL, ADD COLUMN taken_at timestamptz;

-- A place that was given back stays as a row of epoch 0, so that the rows of which at is new are all that changed.
ALTER TABLE slots ADD COLUMN at xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX slots_at ON slots (at);

-- Since when an epoch is over, and whether its owner has taken up what waits of it.
ALTER TABLE estates ADD COLUMN since timestamptz NOT NULL DEFAULT clock_timestamp(), ADD COLUMN settled boolean NOT NULL DEFAULT false;

-- How many undelivered messages each owner has at each node, as that said last, and the number of its saying.
CREATE TABLE pending (
    epoch   bigint  NOT NULL,
    owner   text COLLATE "C" NOT NULL,       -- system_id, '' = Hermès
    waiting integer NOT NULL,
    said    bigint  NOT NULL,
    PRIMARY KEY (epoch, owner)
) WITH (fillfactor = 50);

-- Jobs that one node does at a time, such as calling a client.
CREATE TABLE once (
    job   text COLLATE "C" PRIMARY KEY,
    epoch bigint      NOT NULL,
    until timestamptz NOT NULL
);
-- +goose StatementEnd
