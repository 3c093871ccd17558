package hermes

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// maxPosted is how large a request of a poster may be: the system takes that much whether or not the server reads, so that
	// an answer before its end is read. A larger one goes through net/http.
	maxPosted = 16 << 10
	// maxInformational bounds the answers with a status 1xx before the one that counts.
	maxInformational = 5
	// firstRead is as much of an answer as is read at once.
	firstRead = 4 << 10
)

var (
	errHeaderTooLong = errors.New("the header of the answer is longer than 65536 octets")
	errInformational = errors.New("too many answers with a status 1xx")
)

// postConn is a connection of a poster.
type postConn struct {
	nc     net.Conn
	raw    syscall.RawConn // of the TCP connection
	r      *bufio.Reader
	usual  usualAnswer
	out    []byte
	room   []byte
	first  []byte // in room: octets that came with a request's sending, and were not read yet
	failed error  // what came after them
	left   int64  // octets that may still be read: of a header
	opened time.Time
	used   time.Time // zero = it is new
}

// envelope is what all requests of a target have around what differs.
type envelope struct {
	head   []byte // up to the value of Content-Length
	fields []byte // from there to the value of Idempotency-Key
}

// newEnvelope has net/http write a request and cuts it. nil = only net/http can send requests like the model.
func newEnvelope(model *http.Request) *envelope {
	if !plainRequest(model) {
		return nil
	}
	q := model.WithContext(context.Background())
	q.Body, q.ContentLength = io.NopCloser(strings.NewReader("x")), 1
	var b bytes.Buffer
	if q.Write(&b) != nil {
		return nil
	}
	header, _, whole := bytes.Cut(b.Bytes(), []byte("\r\n\r\n"))
	head, fields, found := bytes.Cut(header, []byte("\r\nContent-Length: 1"))
	if !whole || !found {
		return nil
	}
	return &envelope{head: append(bytes.Clone(head), "\r\nContent-Length: "...), fields: append(bytes.Clone(fields), "\r\nIdempotency-Key: "...)}
}

// plainRequest tells whether nothing in a request has a meaning for its connection, and net/http would not refuse it.
func plainRequest(model *http.Request) bool {
	switch model.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return false
	}
	for name, values := range model.Header {
		switch name {
		case "", "Connection", "Content-Length", "Expect", "Idempotency-Key", "Keep-Alive", "Proxy-Connection", "Te", "Trailer",
			"Transfer-Encoding", "Upgrade", "X-Hnet-Signature":
			return false
		}
		if strings.ContainsFunc(name, func(c rune) bool { return c != '-' && c != '_' && !alphanumeric(c) }) {
			return false
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				return false
			}
		}
	}
	return true
}

func alphanumeric(c rune) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// posted tells whether a poster can carry a request.
func (r *request) posted() bool {
	to := r.to
	return to.poster != nil && to.envelope != nil && !to.poster.http2.Load() &&
		len(to.envelope.head)+len(to.envelope.fields)+len(r.key)+len(r.sum)+len(r.body)+64 <= maxPosted
}

// post makes one request and has judge read the answer. With errHTTP2 nothing was sent; errStale is in an error that says
// nothing of the server. fresh wants a new connection. cuttable is told how to break the request off, and whether it may be made.
func (r *request) post(timeout time.Duration, fresh bool, cuttable func(cut func()) bool, judge func(a *http.Response, hurry func(time.Duration))) error {
	p, now := r.to.poster, time.Now()
	deadline := now.Add(timeout)
	c, err := p.take(now, deadline, fresh)
	if err != nil {
		return err
	}
	a, err := c.unlessCut(r, cuttable)
	if errors.Is(err, errUnsent) {
		c.nc.Close()
		if c, err = p.dial(now, deadline); err != nil {
			return err
		}
		a, err = c.unlessCut(r, cuttable)
	}
	if err != nil {
		c.nc.Close()
		if errors.Is(err, errStale) {
			p.closeKept() // what was opened with it may have been closed with it
		}
		return err
	}
	body := &postBody{from: a.Body, ended: a.ContentLength == 0}
	a.Body = body
	judge(a, func(d time.Duration) {
		here := a.ContentLength >= 0 && a.ContentLength <= int64(c.r.Buffered())
		if by := time.Now().Add(d); !body.ended && !here && by.Before(deadline) {
			c.nc.SetReadDeadline(by)
		}
	})
	if !body.ended || a.Close || a.StatusCode == http.StatusSwitchingProtocols || c.r.Buffered()+len(c.first) > 0 {
		c.nc.Close()
	} else {
		p.keep(c)
	}
	return nil
}

var (
	// errUnsent means that a connection which was used before took nothing of a request.
	errUnsent = errors.New("the connection was closed before the request")
	// errStale means that a connection which was used before was closed without an answer: the server need not have seen the request.
	errStale = errors.New("the connection was closed before the answer")
)

// errCut means that a request was broken off.
var errCut = errors.New("broken off")

// unlessCut is exchange, which may be broken off.
func (c *postConn) unlessCut(r *request, cuttable func(cut func()) bool) (*http.Response, error) {
	nc := c.nc
	if !cuttable(func() { nc.SetDeadline(time.Unix(1, 0)) }) {
		return nil, errCut
	}
	return c.exchange(r)
}

// stale tells what an error of a connection that was used before says, when nothing of the answer had come.
func stale(err error) error {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return err
	}
	return errStale
}

// exchange sends a request and reads the answer up to its body.
func (c *postConn) exchange(r *request) (*http.Response, error) {
	b := append(c.out[:0], r.to.envelope.head...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	b = append(append(b, r.to.envelope.fields...), r.key...)
	if r.sum != "" {
		b = append(append(b, "\r\nX-Hnet-Signature: "...), r.sum...)
	}
	b = append(append(b, "\r\n\r\n"...), r.body...)
	c.out = b
	switch n, err := c.send(b); {
	case err == nil:
	case c.used.IsZero():
		return nil, err
	case n == 0 && !c.secured():
		return nil, errUnsent
	default:
		return nil, stale(err)
	}
	for i := range maxInformational + 1 {
		c.left = maxAnswerHeader
		a, err := c.usual.read(c.r)
		if a == nil && err == nil {
			a, err = http.ReadResponse(c.r, r.to.model)
		}
		switch {
		case err != nil && i == 0 && c.left == maxAnswerHeader && !c.used.IsZero():
			return nil, stale(err)
		case err != nil:
			return nil, err
		case a.StatusCode >= 200 || a.StatusCode == http.StatusSwitchingProtocols:
			c.left = 1 << 62
			return a, nil
		}
	}
	return nil, errInformational
}

func (c *postConn) secured() bool {
	_, is := c.nc.(*tls.Conn)
	return is
}

// asks tells whether a request is sent with ask: then that finds out whether the server is silent. What came over a new connection
// before it is asked is to be read: ask would wait for more.
func (c *postConn) asks() bool {
	_, plain := c.nc.(*net.TCPConn)
	return canAsk && plain && !c.used.IsZero()
}

// send writes a request, and may read what comes first of the answer.
func (c *postConn) send(b []byte) (n int, err error) {
	if !c.asks() {
		return c.nc.Write(b)
	}
	if c.room == nil {
		c.room = make([]byte, firstRead)
	}
	n, read, err := ask(c.raw, b, c.room)
	switch {
	case n == len(b):
		c.first, c.failed = c.room[:read], err
		return n, nil
	case err != nil:
		return n, err
	}
	rest, err := c.nc.Write(b[n:])
	return n + rest, err
}

// lookTime is what a look at what a connection has to say takes when that is nothing.
const lookTime = time.Millisecond

// silent tells whether the server has neither closed a connection nor written what nobody asked for. Of what came over TLS
// that is known only when it is read: there are records without content.
func (c *postConn) silent(deadline time.Time) bool {
	switch pending, known := readable(c.raw); {
	case known && !pending:
		return true
	case known:
		if !c.secured() {
			return false
		}
	}
	c.nc.SetReadDeadline(time.Now().Add(lookTime))
	c.left = maxAnswerHeader
	_, err := c.r.Peek(1)
	var late net.Error
	return errors.As(err, &late) && late.Timeout() && c.nc.SetReadDeadline(deadline) == nil
}

// Read implements io.Reader for the connection's bufio.Reader.
func (c *postConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeaderTooLong
	}
	p = p[:min(int64(len(p)), c.left)]
	var n int
	var err error
	switch {
	case len(c.first) > 0:
		n = copy(p, c.first)
		c.first = c.first[n:]
	case c.failed != nil:
		err, c.failed = c.failed, nil
	default:
		n, err = c.nc.Read(p)
	}
	c.left -= int64(n)
	return n, err
}

// postBody is the body of an answer. It notes its end; closing it reads no further.
type postBody struct {
	from  io.Reader
	ended bool
}

func (b *postBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

func (b *postBody) Close() error { return nil }
