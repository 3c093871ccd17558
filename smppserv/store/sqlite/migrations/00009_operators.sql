-- +goose Up
-- The tries of a message before its last one. They go with it.
CREATE TABLE tries (
    message_id INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    tried_at   INTEGER NOT NULL,
    took_ms    INTEGER NOT NULL,
    through    TEXT    NOT NULL,
    error      INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    unjudged   INTEGER NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

-- The messages that failed: state 3, 5 or 8. One that an operator put back may be here too.
CREATE TABLE failed (
    message_id INTEGER PRIMARY KEY
) STRICT;

-- Since when hourly and failed are kept, and the last message before.
CREATE TABLE counted (
    since      INTEGER NOT NULL,
    message_id INTEGER NOT NULL
) STRICT;
INSERT INTO counted (since, message_id)
SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
       max((SELECT coalesce(max(id), 0) FROM last_message_id), (SELECT coalesce(max(id), 0) FROM messages));

-- What was accepted (state 1) in an hour, and what ended (the other states) in it; see package tally.
CREATE TABLE hourly (
    hour     INTEGER NOT NULL,        -- its first millisecond, of UTC
    client   TEXT    NOT NULL,        -- '' = a receipt to Hermès
    campaign TEXT    NOT NULL,        -- the number of the contact centre's side
    peer     TEXT    NOT NULL,        -- the client that another one wrote to, or ''
    kind     INTEGER NOT NULL,        -- of messages
    out      INTEGER NOT NULL,        -- 0 to Hermès or to peer, 1 to the client
    state    INTEGER NOT NULL,
    reason   TEXT    NOT NULL,        -- the HTTP status or command_status of what failed
    node     TEXT    NOT NULL,
    n        INTEGER NOT NULL,        -- messages
    parts    INTEGER NOT NULL,        -- short messages that they are, of state 1
    times    BLOB    NOT NULL,        -- from acceptance to the end, of state 2; see tally.Histogram
    PRIMARY KEY (hour, client, campaign, peer, kind, out, state, reason, node)
) STRICT, WITHOUT ROWID;

-- What each minute brought, and how things stood at its end; only of minutes in which something happened.
CREATE TABLE minutes (
    minute    INTEGER PRIMARY KEY,    -- its first millisecond
    submitted INTEGER NOT NULL,
    pushed    INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    receipts  INTEGER NOT NULL,
    waiting   INTEGER NOT NULL,
    oldest_ms INTEGER NOT NULL,       -- age of the oldest that waits
    push      BLOB    NOT NULL        -- the times of the pushes; see tally.Histogram
) STRICT;

-- Who did what.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY,
    done_at    INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    from_where TEXT    NOT NULL,
    what       TEXT    NOT NULL,
    on_what    TEXT    NOT NULL,
    more       TEXT    NOT NULL
) STRICT;

-- What is kept of a client over a restart.
CREATE TABLE clients (
    system_id      TEXT PRIMARY KEY,
    bound_at       INTEGER,
    bound_from     TEXT,
    bound_why      TEXT,
    unbound_at     INTEGER,
    unbound_from   TEXT,
    unbound_why    TEXT,
    refused_at     INTEGER,
    refused_from   TEXT,
    refused_why    TEXT,
    paused_at      INTEGER,           -- NULL = nothing keeps messages back
    paused_by      TEXT
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE clients;
DROP TABLE audit;
DROP TABLE minutes;
DROP TABLE hourly;
DROP TABLE counted;
DROP TABLE failed;
DROP TABLE tries;
