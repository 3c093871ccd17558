-- +goose Up
-- +goose StatementBegin
-- An epoch is one life of a worker; none is used twice.
CREATE SEQUENCE epochs;

-- The workers that share the database, by their names, each as long as it has its lease or nobody has taken over from it.
CREATE TABLE nodes (
    name        text COLLATE "C" PRIMARY KEY,
    epoch       bigint      NOT NULL UNIQUE,
    alive_until timestamptz NOT NULL,        -- by the database's clock
    beat        bigint      NOT NULL,        -- one more with each renewal
    since       timestamptz NOT NULL DEFAULT clock_timestamp(),
    address     text        NOT NULL DEFAULT '',
    version     text        NOT NULL DEFAULT '',
    config_hash jsonb       NOT NULL DEFAULT '{}',
    facts       jsonb       NOT NULL DEFAULT '{}',
    pids        integer[]   NOT NULL DEFAULT '{}'
) WITH (fillfactor = 10);

-- The right of an epoch to write: each transaction of its store begins with fence(), and who takes over deletes the row.
-- commits is the number of its last transaction that is committed; what was given up has a number below that, and cannot come any more.
CREATE TABLE fences (
    epoch   bigint PRIMARY KEY,
    commits bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

CREATE FUNCTION fence(e bigint, n bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE fences SET commits = n WHERE epoch = e AND commits < n;
    IF FOUND THEN
        RETURN;
    ELSIF EXISTS (SELECT 1 FROM fences WHERE epoch = e) THEN
        RAISE EXCEPTION 'transaction % of epoch % was given up', n, e USING ERRCODE = 'HN002';
    END IF;
    RAISE EXCEPTION 'epoch % has been taken over', e USING ERRCODE = 'HN001';
END
$$;

-- What waits of an epoch that is over, and the epoch that has it now; 0 = nobody yet.
CREATE TABLE estates (
    epoch bigint PRIMARY KEY,
    owner bigint NOT NULL
);
CREATE INDEX estates_owner ON estates (owner);

-- The sessions of the clients: two each, over all nodes.
CREATE TABLE slots (
    client    text COLLATE "C" NOT NULL,     -- system_id
    slot      smallint    NOT NULL CHECK (slot IN (1, 2)),
    epoch     bigint      NOT NULL,
    session   bigint      NOT NULL,
    receives  boolean     NOT NULL,
    transmits boolean     NOT NULL,
    remote    text        NOT NULL,
    since     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (client, slot)
);
CREATE INDEX slots_epoch ON slots (epoch);

-- What one worker asks of another.
CREATE TABLE asks (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    to_epoch    bigint      NOT NULL,
    from_epoch  bigint      NOT NULL,
    what        text        NOT NULL,
    body        bytea       NOT NULL,
    until       timestamptz NOT NULL,        -- void after that
    answer      bytea,
    failed      text,
    answered_at timestamptz
);
CREATE INDEX asks_to_epoch ON asks (to_epoch) WHERE answered_at IS NULL;

-- The worker that does what is done once for all.
CREATE TABLE leader (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint  NOT NULL
);

-- Which epoch puts together a long text that comes in several parts.
CREATE TABLE groups (
    submitter   text COLLATE "C" NOT NULL,
    source      text COLLATE "C" NOT NULL,
    destination text COLLATE "C" NOT NULL,
    ref         integer  NOT NULL,
    form        smallint NOT NULL,
    total       smallint NOT NULL,
    epoch       bigint   NOT NULL,
    until       bigint   NOT NULL,           -- in milliseconds since 1970; then the reference may be another text's
    PRIMARY KEY (submitter, source, destination, ref, form, total)
);
CREATE INDEX groups_until ON groups (until);
-- +goose StatementEnd
