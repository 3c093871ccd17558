package faults

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

// A wire is what lies between a worker and PostgreSQL. It may be dead, so that nothing passes and nobody is told, and it may break when a
// COMMIT has passed and its answer has not.
type wire struct {
	addr, to string

	mu      sync.Mutex
	dead    bool
	changed chan struct{} // closed when dead is another
	next    []breaking    // of the next COMMITs
	broken  int           // so far
}

// breaking is when the wire breaks, which the worker cannot tell.
type breaking int

const (
	whenDone breaking = iota // the COMMIT has passed, and is done
	atOnce                   // it has passed
	before                   // it has not
	none
)

func startWire(t *testing.T, to string) *wire {
	w := &wire{to: to, changed: make(chan struct{})}
	w.addr = testkit.Serve(t, func(_ int, c net.Conn) { w.serve(t, c) })
	return w
}

// dsn is the DSN of the same database by way of the wire.
func (w *wire) dsn(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = w.addr
	return u.String()
}

func (w *wire) kill(dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = dead
	close(w.changed)
	w.changed = make(chan struct{})
}

// breakNext has the wire break at a COMMIT that comes.
func (w *wire) breakNext(b breaking) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = append(w.next, b)
}

func (w *wire) breakings() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// passes returns when something may pass, or false when the test has ended.
func (w *wire) passes(t *testing.T) bool {
	for {
		w.mu.Lock()
		dead, changed := w.dead, w.changed
		w.mu.Unlock()
		if !dead {
			return true
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			return false
		}
	}
}

// A conversation with PostgreSQL that goes through a wire.
type talk struct {
	w        *wire
	client   net.Conn
	server   net.Conn
	commits  map[string]bool // the names of prepared statements that are COMMIT
	mu       sync.Mutex
	breaking bool // no answer is to pass any more
}

func (w *wire) serve(t *testing.T, client net.Conn) {
	if !w.passes(t) {
		return
	}
	server, err := net.DialTimeout("tcp", w.to, testkit.Patience)
	if err != nil {
		return
	}
	defer server.Close()
	k := &talk{w: w, client: client, server: server, commits: map[string]bool{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.down(t)
		client.Close()
		server.Close()
	}()
	k.up(t)
	client.Close()
	server.Close()
	<-ended
}

// up passes what the worker sends, message by message.
func (k *talk) up(t *testing.T) {
	first := true
	breaks := none
	for {
		var head [5]byte
		h := head[:]
		if first { // the startup message has no type
			h = head[1:]
		}
		if _, err := io.ReadFull(k.client, h); err != nil {
			return
		}
		body := make([]byte, max(int(binary.BigEndian.Uint32(head[1:]))-4, 0))
		if _, err := io.ReadFull(k.client, body); err != nil || !k.w.passes(t) {
			return
		}
		switch {
		case first:
		case head[0] == 'P':
			name, rest, _ := bytes.Cut(body, []byte{0})
			query, _, _ := bytes.Cut(rest, []byte{0})
			k.commits[string(name)] = string(query) == "COMMIT"
		case head[0] == 'B':
			_, rest, _ := bytes.Cut(body, []byte{0})
			name, _, _ := bytes.Cut(rest, []byte{0})
			if breaks == none && k.commits[string(name)] {
				if breaks = k.w.takeBreak(); breaks != none {
					k.mu.Lock()
					k.breaking = true
					k.mu.Unlock()
				}
			}
			if breaks == before {
				return
			}
		}
		first = false
		if _, err := k.server.Write(append(append([]byte{}, h...), body...)); err != nil {
			return
		}
		if breaks == atOnce && head[0] == 'S' {
			return
		}
	}
}

func (w *wire) takeBreak() breaking {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.next) == 0 {
		return none
	}
	b := w.next[0]
	w.next = w.next[1:]
	w.broken++
	return b
}

// down passes what the server answers, until that is the answer that is not to come.
func (k *talk) down(t *testing.T) {
	buffer := make([]byte, 64<<10)
	var kept bytes.Buffer
	for {
		n, err := k.server.Read(buffer)
		if n > 0 {
			if !k.w.passes(t) {
				return
			}
			k.mu.Lock()
			breaking := k.breaking
			k.mu.Unlock()
			if breaking {
				if kept.Write(buffer[:n]); strings.Contains(kept.String(), "COMMIT\x00") { // it is done
					return
				}
				continue
			}
			if _, err := k.client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
