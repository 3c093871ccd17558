-- +goose Up
-- +goose StatementBegin
-- Whose database this is, and the oldest schema whose programs still work with it.
CREATE TABLE hnet_smpp (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    product     text    NOT NULL,
    usable_from bigint  NOT NULL
);
INSERT INTO hnet_smpp (product, usable_from) VALUES ('HNET SMPP Serv', 1);

-- Texts that PostgreSQL cannot hold are escaped, see text.go. Times are in milliseconds since 1970.
CREATE TABLE messages (
    id          bigint   NOT NULL,          -- the message_id, in decimal
    received_at bigint   NOT NULL,
    due_at      bigint   NOT NULL,
    expires_at  bigint   NOT NULL,
    final_at    bigint,                     -- NULL until the state is final
    tried_at    bigint,                     -- of the last try, as took_ms, through and unjudged; NULL = nothing is kept of it
    wait        bigint   NOT NULL DEFAULT 0,-- from the last try, which failed, to due_at; 0 = not known, or not tried; -1 = due_at was asked for
    error       bigint   NOT NULL,          -- an HTTP status or a command_status
    took_ms     bigint,
    holder      bigint   NOT NULL,          -- the epoch whose queue has it as long as it waits
    handed_by   bigint,                     -- the epoch that had it before
    arrived     xid8,                       -- the transaction that handed it to holder
    attempts    integer  NOT NULL,
    unjudged    integer  NOT NULL DEFAULT 0,
    kind        smallint NOT NULL,          -- 0 text, 1 receipt, 2 intermediate notification, 3 watch, 4 alert_notification
    state       smallint NOT NULL,          -- message_state of SMPP: 1 ENROUTE, 2 DELIVERED, 3 EXPIRED, 4 DELETED, 5 UNDELIVERABLE, 8 REJECTED
    submitter   text COLLATE "C" NOT NULL,  -- system_id, '' = Hermès
    recipient   text COLLATE "C" NOT NULL,  -- system_id, '' = Hermès
    source      text COLLATE "C" NOT NULL,
    destination text COLLATE "C" NOT NULL,
    reason      text COLLATE "C" NOT NULL,  -- of the last failed try
    push_key    text COLLATE "C",           -- of the parts of a long text: the Idempotency-Key of its first try
    through     text COLLATE "C",
    content     bytea    NOT NULL,          -- the user data as it was handed in
    attributes  bytea    NOT NULL,          -- everything else, see attributes.go of the package store
    progress    bytea,                      -- of a text in several deliver_sm: which of them the client has
    PRIMARY KEY (id)
);

CREATE INDEX messages_waiting ON messages (id) WHERE final_at IS NULL;
CREATE INDEX messages_arrived ON messages (holder, arrived) WHERE final_at IS NULL AND arrived IS NOT NULL;
CREATE INDEX messages_failed ON messages (id) WHERE state IN (3, 5, 8);
CREATE INDEX messages_source ON messages (source, id);
CREATE INDEX messages_destination ON messages (destination, id);

-- The messages of a submit_multi but its first one, by whose id the submitter knows them all.
CREATE TABLE submit_multi (
    message_id bigint PRIMARY KEY,
    known_by   bigint NOT NULL
);
CREATE INDEX submit_multi_known_by ON submit_multi (known_by);

-- Hermès' own ids on the TCP port: the same id again sends nothing twice.
CREATE TABLE external_ids (
    external_id text COLLATE "C" PRIMARY KEY,
    message_id  bigint NOT NULL,
    received_at bigint NOT NULL
);
CREATE INDEX external_ids_message ON external_ids (message_id);

-- The tries of a message before its last one. They go with it.
CREATE TABLE tries (
    message_id bigint  NOT NULL,
    number     integer NOT NULL,
    tried_at   bigint  NOT NULL,
    took_ms    bigint  NOT NULL,
    through    text COLLATE "C" NOT NULL,
    error      bigint  NOT NULL,
    reason     text COLLATE "C" NOT NULL,
    unjudged   integer NOT NULL,
    PRIMARY KEY (message_id, number)
);

-- The highest message_id that a worker has reserved.
CREATE TABLE last_message_id (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id  bigint  NOT NULL
) WITH (fillfactor = 10);
INSERT INTO last_message_id (id) VALUES (0);

-- How the wall clock was set while a worker ran, as long as a message waits whose times it gave before: those up to message_id.
CREATE TABLE clock_steps (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch      bigint NOT NULL,
    message_id bigint NOT NULL,
    set_from   bigint NOT NULL,
    set_to     bigint NOT NULL
);

-- When a job that runs at a certain hour last ran.
CREATE TABLE jobs (
    name   text   PRIMARY KEY,
    ran_at bigint NOT NULL
);

-- Since when hourly is kept, and the last message before.
CREATE TABLE counted (
    since      bigint NOT NULL,
    message_id bigint NOT NULL
);
INSERT INTO counted (since, message_id) VALUES (floor(extract(epoch FROM clock_timestamp()) * 1000), 0);

-- What a node accepted (state 1) in an hour, and what ended (the other states) in it; see package tally.
CREATE TABLE hourly (
    hour     bigint   NOT NULL,         -- its first millisecond, of UTC
    client   text COLLATE "C" NOT NULL, -- '' = a receipt to Hermès
    campaign text COLLATE "C" NOT NULL, -- the number of the contact centre's side
    peer     text COLLATE "C" NOT NULL, -- the client that another one wrote to, or ''
    kind     smallint NOT NULL,         -- of messages
    out      boolean  NOT NULL,         -- false to Hermès or to peer, true to the client
    state    smallint NOT NULL,
    reason   text COLLATE "C" NOT NULL, -- the HTTP status or command_status of what failed
    node     text COLLATE "C" NOT NULL,
    n        bigint   NOT NULL,         -- messages
    parts    bigint   NOT NULL,         -- short messages that they are, of state 1
    times    bytea    NOT NULL,         -- from acceptance to the end, of state 2; see tally.Histogram
    counter  bigint   UNIQUE,           -- by which the node that counts finds it, as long as it runs
    PRIMARY KEY (hour, client, campaign, peer, kind, out, state, reason, node)
) WITH (fillfactor = 50);

-- What each minute brought a node, and how things stood at its end; only of minutes in which something happened.
CREATE TABLE minutes (
    minute    bigint NOT NULL,          -- its first millisecond
    node      text COLLATE "C" NOT NULL,
    submitted bigint NOT NULL,
    pushed    bigint NOT NULL,
    delivered bigint NOT NULL,
    failed    bigint NOT NULL,
    receipts  bigint NOT NULL,
    waiting   bigint NOT NULL,
    oldest_ms bigint NOT NULL,          -- age of the oldest that waits
    push      bytea  NOT NULL,          -- the times of the pushes; see tally.Histogram
    PRIMARY KEY (minute, node)
);

-- Who did what.
CREATE TABLE audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    done_at    bigint NOT NULL,
    who        text COLLATE "C" NOT NULL,
    from_where text COLLATE "C" NOT NULL,
    what       text COLLATE "C" NOT NULL,
    on_what    text COLLATE "C" NOT NULL,
    more       text COLLATE "C" NOT NULL
);

-- What is kept of a client over a restart.
CREATE TABLE clients (
    system_id    text COLLATE "C" PRIMARY KEY,
    bound_at     bigint,
    bound_from   text COLLATE "C",
    bound_why    text COLLATE "C",
    unbound_at   bigint,
    unbound_from text COLLATE "C",
    unbound_why  text COLLATE "C",
    refused_at   bigint,
    refused_from text COLLATE "C",
    refused_why  text COLLATE "C",
    paused_at    bigint,                -- NULL = nothing keeps messages back
    paused_by    text COLLATE "C"
);
-- +goose StatementEnd
