package postgres

import (
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// columns are those that are read of a message, with the text or something in its place.
const columns = "m.id, m.kind, m.state, m.submitter, m.recipient, m.source, m.destination, m.received_at, m.due_at, m.expires_at, m.attempts, m.error, m.reason, " +
	"m.attributes, %s, m.final_at, m.push_key, m.wait, m.progress, m.tried_at, m.took_ms, m.through, m.unjudged, " +
	// whose queue has it: an epoch that is over has given what it had to another
	"CASE WHEN m.final_at IS NULL THEN coalesce((SELECT nullif(e.owner, 0) FROM estates e WHERE e.epoch = m.holder), m.holder) ELSE 0 END, m.handed_by, m.holder"

const noContent = "NULL::bytea"

// reader reads rows of columns, for an epoch.
type reader struct {
	epoch sms.Epoch
	lives []sms.Epoch // of this worker, before
	keys  *store.Keys

	id, received, due, expires, code, wait            int64
	holder, had                                       int64
	kind, state                                       int16
	attempts, unjudged                                int32
	submitter, recipient, source, destination, reason pgtype.DriverBytes
	attributes, content, progress, key, through       pgtype.DriverBytes
	final, tried, took, handedBy                      *int64
	to                                                []any
	names                                             store.Names
}

// read reads the present row into m. What m refers to is used again.
func (r *reader) read(rows pgx.Rows, m *sms.Message) error {
	if r.to == nil {
		r.to = []any{&r.id, &r.kind, &r.state, &r.submitter, &r.recipient, &r.source, &r.destination, &r.received, &r.due, &r.expires, &r.attempts, &r.code, &r.reason,
			&r.attributes, &r.content, &r.final, &r.key, &r.wait, &r.progress, &r.tried, &r.took, &r.through, &r.unjudged,
			&r.holder, &r.handedBy, &r.had}
	}
	if err := rows.Scan(r.to...); err != nil {
		return err
	}
	*m = sms.Message{
		ID: sms.ID(r.id), Kind: sms.Kind(r.kind), State: sms.State(r.state),
		Submitter: unescape(r.names.Of(r.submitter)), Recipient: unescape(r.names.Of(r.recipient)),
		Source: sms.Address{Number: unescape(string(r.source))}, Dest: sms.Address{Number: unescape(string(r.destination))},
		ReceivedAt: time.UnixMilli(r.received), DueAt: time.UnixMilli(r.due), ExpiresAt: time.UnixMilli(r.expires),
		Attempts: int(r.attempts), Error: int(r.code), Reason: unescape(r.names.Of(r.reason)), PushKey: unescape(string(r.key)),
		Wait: time.Duration(r.wait) * time.Millisecond, Progress: string(r.progress),
		Receipt: m.Receipt, TLVs: m.TLVs,
	}
	var content []byte
	if r.content != nil {
		content = append(make([]byte, 0, len(r.content)), r.content...)
	}
	if r.final != nil {
		m.FinalAt = time.UnixMilli(*r.final)
	}
	if r.tried != nil {
		m.TriedAt, m.Through, m.Unjudged = time.UnixMilli(*r.tried), unescape(r.names.Of(r.through)), int(r.unjudged)
		if r.took != nil {
			m.Took = time.Duration(*r.took) * time.Millisecond
		}
	}
	if holder := sms.Epoch(r.holder); holder != r.epoch {
		m.Holder = holder
	}
	accepted := sms.Epoch(r.had)
	if r.handedBy != nil {
		m.HandedBy = sms.Epoch(*r.handedBy)
		accepted = m.HandedBy
	}
	if accepted != r.epoch && !slices.Contains(r.lives, accepted) {
		m.AcceptedBy = accepted
	}
	if err := r.keys.Decode(r.attributes, content, m, &r.names); err != nil {
		return fmt.Errorf("message %d: %w: %w", m.ID, sms.ErrUnreadable, err)
	}
	return nil
}
