package operators

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
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
		ops.acts.Add(1)
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

// toldWas is what whoever asks knows of the leader's alerts already.
type toldWas struct{ Sum uint64 }

// told is what the alerts of a node have told; Same = whoever asks knows it.
type told struct {
	Same bool
	Told []byte
}

func (ops *Operators) toldAsked(_ context.Context, q toldWas) (told, error) {
	if ops.parts.Alerts == nil {
		return told{}, nil
	}
	now := ops.parts.Alerts.Told()
	if sumOf(now) == q.Sum {
		return told{Same: true}, nil
	}
	return told{Told: now}, nil
}

func sumOf(data []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(data)
	return h.Sum64()
}

// ToldByLeader is what the leader's alerts have told; was is what is known of that. The error says why that is not known.
func (ops *Operators) ToldByLeader(ctx context.Context, was []byte) ([]byte, error) {
	for _, n := range ops.others() {
		if !n.Leader {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		t, err := askOne[told](ctx, ops, n, askTold, toldWas{sumOf(was)})
		if err != nil {
			return nil, err
		}
		if t.Same {
			return was, nil
		}
		return t.Told, nil
	}
	return nil, errors.New("no other node is the leader")
}
