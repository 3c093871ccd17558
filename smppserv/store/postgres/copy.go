package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	copyMessages = "COPY messages (id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, attempts, error, reason, " +
		"attributes, content, holder) FROM STDIN (FORMAT binary)"
	copiedColumns = 16
	// copyLeast is from how many messages on COPY costs less than an INSERT.
	copyLeast = 8
)

// copied are rows as COPY has them in its binary format.
type copied []byte

const (
	copyHead = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // no flags, no extension
	copyEnd  = "\xff\xff"
)

func (c copied) short(v int16) copied {
	return binary.BigEndian.AppendUint16(append(c, 0, 0, 0, 2), uint16(v))
}

func (c copied) integer(v int32) copied {
	return binary.BigEndian.AppendUint32(append(c, 0, 0, 0, 4), uint32(v))
}

func (c copied) long(v int64) copied {
	return binary.BigEndian.AppendUint64(append(c, 0, 0, 0, 8), uint64(v))
}

func (c copied) text(s string) copied {
	s = escape(s)
	return append(binary.BigEndian.AppendUint32(c, uint32(len(s))), s...)
}

func (c copied) octets(b []byte) copied {
	return append(binary.BigEndian.AppendUint32(c, uint32(len(b))), b...)
}

// message appends the columns of copyMessages.
func (c copied) message(m *sms.Message, holder sms.Epoch, keys *store.Keys) copied {
	c = binary.BigEndian.AppendUint16(c, copiedColumns)
	c = c.long(int64(m.ID)).short(int16(m.Kind)).short(int16(m.State))
	c = c.text(m.Submitter).text(m.Recipient).text(m.Source.Number).text(m.Dest.Number)
	c = c.long(store.Milli(m.FirstReceived())).long(store.Milli(m.DueAt)).long(store.Milli(m.ExpiresAt))
	c = c.integer(int32(m.Attempts)).long(int64(m.Error)).text(m.Reason)
	length := len(c)
	attributes, content := keys.AppendColumns(append(c, 0, 0, 0, 0), m)
	c = attributes
	binary.BigEndian.PutUint32(c[length:], uint32(len(c)-length-4))
	return c.octets(content).long(int64(holder))
}

// runCopying is run for a batch that has rows to copy in it, and no functions that take results. What follows the rows waits for the share
// of the second connection.
func (w *writer) runCopying(ctx context.Context, q *pgx.Batch) error {
	err := w.send(ctx, q, w.second.written)
	if err == nil {
		err = w.answers()
	}
	w.untimed()
	if _, judged := errors.AsType[*pgconn.PgError](err); judged || w.second.err == nil {
		return err
	}
	return fmt.Errorf("%w: the second connection: %w", store.ErrTaken, w.second.err) // written anew, it goes by the first one
}

// send sends what is queued, rows to copy among it; the answers follow. goOn, which may be nil, is asked when all up to the rows is on its
// way. pgx's own batches have no COPY.
func (l *link) send(ctx context.Context, q *pgx.Batch, goOn func() bool) error {
	c := l.conn.PgConn()
	statements := make([]*pgconn.StatementDescription, len(q.QueuedQueries))
	for i, s := range q.QueuedQueries {
		var err error
		if statements[i], err = l.conn.Prepare(ctx, s.SQL, s.SQL); err != nil {
			return err
		}
	}
	deadline, _ := ctx.Deadline()
	if err := c.Conn().SetDeadline(deadline); err != nil {
		return err
	}
	f := c.Frontend()
	var params pgx.ExtendedQueryBuilder
	for i, s := range q.QueuedQueries {
		bind := &pgproto3.Bind{PreparedStatement: statements[i].Name}
		rows, copies := copied(nil), false
		if len(s.Arguments) == 1 {
			rows, copies = s.Arguments[0].(copied)
		}
		if !copies {
			if err := params.Build(l.conn.TypeMap(), statements[i], s.Arguments); err != nil {
				l.drop() // what is in its buffer would be sent with the next one
				return err
			}
			bind.Parameters, bind.ParameterFormatCodes = params.ParamValues, params.ParamFormats
		}
		f.SendBind(bind)
		f.SendExecute(&pgproto3.Execute{})
		if !copies {
			continue
		}
		f.Send(&pgproto3.CopyData{Data: rows})
		f.Send(&pgproto3.CopyDone{})
		if goOn == nil {
			continue
		}
		if err := f.Flush(); err != nil {
			return err
		}
		if !goOn() {
			break
		}
	}
	f.SendSync(&pgproto3.Sync{})
	return f.Flush()
}
