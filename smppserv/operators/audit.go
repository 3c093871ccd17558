package operators

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/store"
)

// Note implements admin.Operators.
func (ops *Operators) Note(by adminapi.Actor, what, on, more string) { ops.note(by, what, on, more) }

// note leaves an entry in the audit, and a line in the log: where the one cannot be written the other may be.
func (ops *Operators) note(by adminapi.Actor, what, on, more string) {
	ops.o.Log.Info().Str("who", by.Name).Str("from", by.From).Str("what", what).Str("on", on).Msg("an operator acts")
	if ops.parts.Store == nil {
		return
	}
	e := store.AuditEntry{At: time.Now(), Who: by.Name, From: by.From, What: what, On: on, More: more}
	ops.parts.Store.AddAudit(e, func(err error) {
		if err != nil {
			ops.o.Log.Error().Err(err).Str("who", by.Name).Str("what", what).Str("on", on).Msg("what an operator did could not be written to the audit")
			return
		}
		ops.Changed(TopicAudit)
	})
}

// Audit implements admin.Operators.
func (ops *Operators) Audit(ctx context.Context, cursor string, limit int) (adminapi.Audit, error) {
	below := int64(0)
	if cursor != "" {
		var err error
		if below, err = strconv.ParseInt(cursor, 10, 64); err != nil || below <= 0 {
			return adminapi.Audit{}, fmt.Errorf("%w: cursor is not one that a page before had as its next", adminapi.ErrBadRequest)
		}
	}
	if limit <= 0 || limit > adminapi.MaxLimit {
		limit = adminapi.DefaultLimit
	}
	entries, err := ops.parts.Store.Audit(ctx, below, limit+1)
	if err != nil {
		return adminapi.Audit{}, failed(err)
	}
	a := adminapi.Audit{Entries: []adminapi.AuditEntry{}}
	for _, e := range entries[:min(len(entries), limit)] {
		a.Entries = append(a.Entries, adminapi.AuditEntry(e))
	}
	if len(entries) > limit {
		a.Next = strconv.FormatInt(entries[limit-1].ID, 10)
	}
	return a, nil
}

// Settings implements admin.Operators.
func (ops *Operators) Settings(context.Context) (adminapi.Settings, error) {
	cfg := ops.o.Config()
	s := cfg.Settings
	if cfg.AllSettings != nil {
		s.All = cfg.AllSettings()
	}
	if s.Pending == nil {
		s.Pending = []string{}
	}
	if s.All == nil {
		s.All = []adminapi.Setting{}
	}
	return s, nil
}

// TestAlerts implements admin.Operators.
func (ops *Operators) TestAlerts(ctx context.Context, by adminapi.Actor) (adminapi.Done, error) {
	if ops.parts.Alerts == nil {
		return adminapi.Done{}, fmt.Errorf("%w: config.toml has no [[alerts]]", adminapi.ErrConflict)
	}
	n, err := ops.parts.Alerts.Test(ctx)
	ops.note(by, "alerts test", "", fmt.Sprint(n, " sent"))
	if err != nil {
		return adminapi.Done{Count: n}, fmt.Errorf("%w: %w", adminapi.ErrConflict, err)
	}
	return adminapi.Done{Count: n, Text: adminapi.Say("a test notice went to %d receivers", n)}, nil
}

// Trace implements admin.Operators.
func (ops *Operators) Trace(ctx context.Context, by adminapi.Actor, systemID string, on bool) (adminapi.Done, error) {
	if ops.parts.Traces == nil {
		return adminapi.Done{}, fmt.Errorf("%w: PDUs are not recorded by this server", adminapi.ErrConflict)
	}
	if err := ops.isClient(ctx, systemID); err != nil {
		return adminapi.Done{}, err
	}
	ops.parts.Traces.Switch(systemID, on)
	more, text := "off", adminapi.Say("the PDUs of %s are not recorded any more", systemID)
	if on {
		more, text = "on", adminapi.Say("the PDUs of %s are recorded from now on", systemID)
	}
	ops.acted(by, "trace", systemID, more)
	return adminapi.Done{Text: text}, nil
}

// WriteTrace implements admin.Operators.
func (ops *Operators) WriteTrace(ctx context.Context, by adminapi.Actor, systemID string, texts bool, to io.Writer) error {
	if texts && !by.Texts {
		return forbidden("read the texts of messages")
	}
	if ops.parts.Traces == nil {
		return fmt.Errorf("%w: PDUs are not recorded by this server", adminapi.ErrNotFound)
	}
	if err := ops.isClient(ctx, systemID); err != nil {
		return err
	}
	more := "texts masked"
	if texts {
		if err := ops.writable(); err != nil { // no look without its entry in the audit
			return err
		}
		more = "with texts"
	}
	ops.note(by, "trace download", systemID, more)
	there, err := ops.parts.Traces.Write(to, systemID, texts)
	if err == nil && !there {
		err = fmt.Errorf("%w: nothing was recorded of %s; switch its trace on first", adminapi.ErrNotFound, systemID)
	}
	return err
}
