package operators

import (
	"database/sql"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/testkit"

	_ "modernc.org/sqlite"
)

// held has another program hold the database, so that nothing can be written, until it is let go.
func (r *rig) held() (letGo func()) {
	r.t.Helper()
	db, err := sql.Open("sqlite", r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, statement := range []string{"PRAGMA busy_timeout = 30000", "BEGIN IMMEDIATE"} {
		if _, err := conn.ExecContext(r.t.Context(), statement); err != nil {
			r.t.Fatal(err)
		}
	}
	return func() {
		if _, err := conn.ExecContext(r.t.Context(), "ROLLBACK"); err != nil {
			r.t.Error(err)
		}
		_ = conn.Close()
	}
}

func TestWhileNothingCanBeWrittenNothingIsDoneOrReadThatLeavesAnEntry(t *testing.T) {
	r := newRig(t)
	id := r.fromHermes("acme", "to be cancelled")
	if _, err := r.ops.Trace(t.Context(), boss, "acme", true); err != nil {
		t.Fatal(err)
	}
	letGo := r.held()
	ctx := t.Context()
	testkit.Await(t, "the store cannot be written", func() bool {
		_, err := r.ops.Pause(ctx, boss, "next")
		return errors.Is(err, adminapi.ErrUnavailable)
	})
	for what, do := range map[string]func() error{
		"pause":      func() error { _, err := r.ops.Pause(ctx, boss, "acme"); return err },
		"hand-over":  func() error { _, err := r.ops.HandOver(ctx, boss, "acme", "next"); return err },
		"retry":      func() error { _, err := r.ops.Retry(ctx, boss, id); return err },
		"cancel":     func() error { _, err := r.ops.Cancel(ctx, boss, id); return err },
		"send-again": func() error { _, err := r.ops.SendAgain(ctx, boss, id); return err },
		"show text":  func() error { _, err := r.ops.Message(ctx, boss, id, true); return err },
		"trace":      func() error { return r.ops.WriteTrace(ctx, boss, "acme", true, io.Discard) },
	} {
		if err := do(); !errors.Is(err, adminapi.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if d := r.message(id); d.State != "ENROUTE" {
		t.Errorf("it is %s", d.State)
	}
	letGo()
	testkit.Await(t, "it is cancelled when it can be", func() bool { _, err := r.ops.Cancel(ctx, boss, id); return err == nil })
	r.audited("cancel", id)
}

func TestTheStoreIsAskedOnceForAllRecipients(t *testing.T) {
	r := newRig(t)
	r.fromHermes("acme", "a")
	r.fromHermes("next", "b")
	r.ops.checked.until = time.Now().Add(time.Hour)
	r.ops.checked.err = errors.New("asked before")
	r.ops.waiting.forget()
	all, err := r.ops.Waiting(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, w := range all {
		if !strings.Contains(w.Why.String(), "asked before") {
			t.Errorf("%s waits because %s", w.Recipient, w.Why)
		}
	}
}

func TestWhatNeedsAttentionIsToldToAnybodyWithoutNames(t *testing.T) {
	r := newRig(t)
	r.fromHermes("acme", "a")
	r.fromHermes("next", "b")
	r.configure(func(c *Config) {
		c.StandIn = true
		c.Warnings = []Warning{{Code: CodeShippedPassword, Key: "clients[acme].password", Text: "x"}}
	})
	got := r.ops.Briefs(t.Context())
	if len(got) != 2 || !strings.Contains(got[0], "stand-in") || !strings.HasPrefix(got[1], "messages wait for clients that are not bound, since 20") {
		t.Errorf("%q", got)
	}
	if all := strings.Join(got, "\n"); strings.Contains(all, "acme") || strings.Contains(all, "password") {
		t.Errorf("strangers read %s", all)
	}
	for code := range briefs {
		if !slices.Contains(Codes, code) {
			t.Errorf("%s is no code", code)
		}
	}
}

func TestANoticeLeadsToItsClientWhateverItsName(t *testing.T) {
	r := newRig(t)
	const name = "a/b?c#d"
	r.configure(func(c *Config) { c.Clients = append(c.Clients, Client{SystemID: name}) })
	r.ops.pauses[name] = adminapi.Pause{Since: time.Now(), By: "ops"}
	n := notice(r.state(), CodeClientPaused, name)
	if n == nil {
		t.Fatal("it is not told")
	}
	u, err := url.Parse(n.Link)
	if err != nil || u.Path != "/clients/"+name || u.EscapedPath() != "/clients/"+url.PathEscape(name) {
		t.Errorf("it leads to %s, %v", n.Link, err)
	}
}
