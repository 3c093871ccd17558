package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

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

// runCopying is run for a batch that has rows to copy in it, and no functions that take results. pgx's own batches have no COPY.
func (w *writer) runCopying(ctx context.Context, q *pgx.Batch) error {
	c := w.conn.PgConn()
	statements := make([]*pgconn.StatementDescription, len(q.QueuedQueries))
	for i, s := range q.QueuedQueries {
		var err error
		if statements[i], err = w.conn.Prepare(ctx, s.SQL, s.SQL); err != nil {
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
			if err := params.Build(w.conn.TypeMap(), statements[i], s.Arguments); err != nil {
				w.drop() // what is in its buffer would be sent with the next one
				return err
			}
			bind.Parameters, bind.ParameterFormatCodes = params.ParamValues, params.ParamFormats
		}
		f.SendBind(bind)
		f.SendExecute(&pgproto3.Execute{})
		if copies {
			f.Send(&pgproto3.CopyData{Data: rows})
			f.Send(&pgproto3.CopyDone{})
		}
	}
	f.SendSync(&pgproto3.Sync{})
	err := f.Flush()
	if err == nil {
		err = w.answers(c)
	}
	if !c.IsClosed() {
		_ = c.Conn().SetDeadline(time.Time{})
	}
	return err
}

// answers reads those to what was sent, up to the end.
func (w *writer) answers(c *pgconn.PgConn) (failed error) {
	for {
		m, err := c.ReceiveMessage(context.Background())
		if err != nil {
			return sentBefore(err)
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			if failed == nil {
				failed = pgconn.ErrorResponseToPgError(m)
			}
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// sentBefore is an error of reading an answer without pgconn's word that nothing was sent: of this call nothing was.
func sentBefore(err error) error {
	for {
		if _, says := err.(interface{ SafeToRetry() bool }); !says {
			return err
		}
		within := errors.Unwrap(err)
		if within == nil {
			return errors.New(err.Error())
		}
		err = within
	}
}
