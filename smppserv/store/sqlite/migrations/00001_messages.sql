-- +goose Up
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY,  -- the message_id, in decimal
    kind        INTEGER NOT NULL,     -- 0 text, 1 receipt, 2 intermediate notification, 3 watch, 4 alert_notification
    state       INTEGER NOT NULL,     -- message_state of SMPP: 1 ENROUTE, 2 DELIVERED, 3 EXPIRED, 4 DELETED, 5 UNDELIVERABLE, 8 REJECTED
    submitter   TEXT   NOT NULL,     -- system_id, '' = Hermès
    recipient   TEXT   NOT NULL,     -- system_id, '' = Hermès
    source      TEXT   NOT NULL,
    destination TEXT   NOT NULL,
    received_at INTEGER NOT NULL,     -- milliseconds since 1970, as all times here
    due_at      INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    final_at    INTEGER,              -- NULL until the state is final
    attempts    INTEGER NOT NULL,
    error       INTEGER NOT NULL,     -- an HTTP status or a command_status
    reason      TEXT   NOT NULL,     -- of the last failed try
    content     BLOB   NOT NULL,   -- the user data as it was handed in
    attributes  BLOB   NOT NULL    -- everything else, see attributes.go
) STRICT;

CREATE INDEX messages_waiting ON messages (id) WHERE final_at IS NULL;

-- Hermès' own ids on the TCP port: the same id again sends nothing twice.
CREATE TABLE external_ids (
    external_id TEXT   PRIMARY KEY,
    message_id  INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;

CREATE INDEX external_ids_message ON external_ids (message_id);

-- Who last wrote from a number to a campaign number, and how it wrote the two.
CREATE TABLE conversations (
    number       TEXT   NOT NULL,
    campaign     TEXT   NOT NULL,
    client       TEXT   NOT NULL,
    number_ton   INTEGER NOT NULL,
    number_npi   INTEGER NOT NULL,
    campaign_ton INTEGER NOT NULL,
    campaign_npi INTEGER NOT NULL,
    written_at   INTEGER NOT NULL,
    PRIMARY KEY (number, campaign)
) STRICT;

-- The highest message_id that was ever given out, kept when messages are purged.
CREATE TABLE last_message_id (
    id INTEGER NOT NULL
) STRICT;
INSERT INTO last_message_id (id) VALUES (0);

-- +goose Down
DROP TABLE last_message_id;
DROP TABLE conversations;
DROP TABLE external_ids;
DROP TABLE messages;
