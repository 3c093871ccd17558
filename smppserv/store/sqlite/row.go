package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// The columns of messages that a new row has values for, and those that are read besides: push_key and wait come with the first
// try that fails, progress with the first part that is taken, what is kept of a try with the first one.
const (
	columns = "id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, " +
		"attempts, error, reason, attributes, content"
	added = columns + ", final_at"
	// read is what is read of a message, with the text or something in its place.
	read = "id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, " +
		"attempts, error, reason, attributes, %s, final_at, push_key, wait, progress, " +
		"tried_at, took_ms, through, unjudged"
)

// additions are the statements that add messages, each so many: what a statement takes by itself is a quarter of what a row does.
type additions [len(together)]addition

var together = [...]int{32, 8, 1}

func (a *additions) prepare(conn *zombiezen.Conn) (err error) {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
	for i, n := range together {
		// A row that is refused ends the transaction: what came before it in its statement need not be undone apart.
		query := "INSERT OR FAIL INTO messages (" + added + ") VALUES " + row + strings.Repeat(", "+row, n-1)
		if a[i].Stmt, err = conn.Prepare(query); err != nil {
			return err
		}
		a[i].rows = make([]boundRow, n)
	}
	return nil
}

func (a *additions) run(ms []*sms.Message, keys *store.Keys) error {
	for i := range a {
		for n := len(a[i].rows); len(ms) >= n; ms = ms[n:] {
			if err := a[i].run(ms[:n], keys); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget lets go of what is bound.
func (a *additions) forget() {
	for i := range a {
		clear(a[i].rows)
	}
}

// addition is one of these statements. A row mostly repeats what its place had before in the same column: what is bound already is not
// bound again.
type addition struct {
	*zombiezen.Stmt
	rows []boundRow
	buf  []byte
}

type boundRow struct {
	texts   [len(addedTexts)]string
	numbers [len(addedNumbers)]int64
	bound   bool // they are
}

const (
	addedColumns = 15
	// keptOctets of content and attributes in each row may stay bound until the next ones come.
	keptOctets = 1024
)

var (
	addedTexts   = [...]int{4, 5, 6, 7, 13}         // submitter, recipient, source, destination, reason
	addedNumbers = [...]int{2, 3, 8, 9, 10, 11, 12} // kind, state, received_at, due_at, expires_at, attempts, error
)

func (a *addition) run(ms []*sms.Message, keys *store.Keys) error {
	octets := 0
	for i, m := range ms {
		octets += a.bind(i, m, keys)
	}
	err := run(a.Stmt)
	large := octets > keptOctets*len(ms)
	if large { // SQLite has copies
		err = errors.Join(err, a.ClearBindings())
	}
	if large || err != nil {
		clear(a.rows)
	}
	return err
}

// bind binds a message to a place, and returns how long its content and attributes are.
func (a *addition) bind(at int, m *sms.Message, keys *store.Keys) int {
	r, first := &a.rows[at], at*addedColumns
	texts := [...]string{m.Submitter, m.Recipient, m.Source.Number, m.Dest.Number, m.Reason}
	for i, text := range texts {
		if !r.bound || text != r.texts[i] {
			a.BindText(first+addedTexts[i], text)
		}
	}
	numbers := [...]int64{int64(m.Kind), int64(m.State), store.Milli(m.FirstReceived()), store.Milli(m.DueAt), store.Milli(m.ExpiresAt), int64(m.Attempts), int64(m.Error)}
	for i, n := range numbers {
		if !r.bound || n != r.numbers[i] {
			a.BindInt64(first+addedNumbers[i], n)
		}
	}
	r.texts, r.numbers, r.bound = texts, numbers, true
	attributes, content := keys.AppendColumns(a.buf[:0], m)
	a.buf = attributes
	a.BindInt64(first+1, int64(m.ID))
	a.BindBytes(first+14, a.buf)
	a.BindBytes(first+15, content)
	return len(content) + len(attributes)
}

// message reads the row of s, of the columns in read, into m. What m refers to is used again.
func (r *reader) message(s *zombiezen.Stmt, m *sms.Message) error {
	submitter, recipient := r.names.Of(r.bytes(s, 3)), r.names.Of(r.bytes(s, 4))
	r.texts = append(r.texts[:0], r.bytes(s, 5)...)
	source := len(r.texts)
	r.texts = append(r.texts, r.bytes(s, 6)...)
	dest := len(r.texts)
	r.texts = append(r.texts, r.bytes(s, 12)...)
	reason := len(r.texts)
	r.texts = append(r.texts, r.bytes(s, 16)...)
	texts := string(r.texts)
	*m = sms.Message{
		ID: sms.ID(s.ColumnInt64(0)), Kind: sms.Kind(s.ColumnInt64(1)), State: sms.State(s.ColumnInt64(2)),
		Submitter: submitter, Recipient: recipient,
		Source: sms.Address{Number: texts[:source]}, Dest: sms.Address{Number: texts[source:dest]},
		ReceivedAt: time.UnixMilli(s.ColumnInt64(7)), DueAt: time.UnixMilli(s.ColumnInt64(8)), ExpiresAt: time.UnixMilli(s.ColumnInt64(9)),
		Attempts: s.ColumnInt(10), Error: s.ColumnInt(11), Reason: texts[dest:reason], PushKey: texts[reason:],
		Wait:    time.Duration(s.ColumnInt64(17)) * time.Millisecond,
		Receipt: m.Receipt, TLVs: m.TLVs,
	}
	var content []byte
	if s.ColumnType(14) == zombiezen.TypeBlob {
		content = make([]byte, s.ColumnLen(14))
		s.ColumnBytes(14, content)
	}
	if !s.ColumnIsNull(18) {
		m.Progress = string(r.bytes(s, 18))
	}
	if !s.ColumnIsNull(15) {
		m.FinalAt = time.UnixMilli(s.ColumnInt64(15))
	}
	if !s.ColumnIsNull(19) {
		m.TriedAt, m.Took = time.UnixMilli(s.ColumnInt64(19)), time.Duration(s.ColumnInt64(20))*time.Millisecond
		m.Through, m.Unjudged = r.names.Of(r.bytes(s, 21)), s.ColumnInt(22)
	}
	if err := r.keys.Decode(r.bytes(s, 13), content, m, &r.names); err != nil {
		return fmt.Errorf("message %d: %w", m.ID, err)
	}
	return nil
}

// bytes reads a value. They are valid until it is called again.
func (r *reader) bytes(s *zombiezen.Stmt, column int) []byte { return octets(s, column, &r.buf) }

// octets reads a value into a buffer, or a longer one in its place.
func octets(s *zombiezen.Stmt, column int, buf *[]byte) []byte {
	n := s.ColumnBytes(column, *buf)
	if n == len(*buf) { // or more
		*buf = make([]byte, max(2*n, s.ColumnLen(column)+1))
		n = s.ColumnBytes(column, *buf)
	}
	return (*buf)[:n]
}
