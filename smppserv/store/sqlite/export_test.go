package sqlite

import (
	"bytes"
	"context"

	"hnetsmpp/smppserv/store"
)

// OpenWith opens a store whose connection that writes is told a pragma.
func OpenWith(ctx context.Context, o Options, pragma string) (*store.Store, error) {
	return OpenSmall(ctx, o, pragma, 0)
}

// OpenSmall is OpenWith for an index that writes a run for so few messages.
func OpenSmall(ctx context.Context, o Options, pragma string, tailMessages int) (*store.Store, error) {
	d, err := openFile(ctx, o)
	if err == nil && pragma != "" {
		err = exec(d.writer.conn, "PRAGMA "+pragma)
	}
	if err != nil {
		return nil, err
	}
	d.tailMessages = tailMessages
	return store.New(ctx, d, o.Log)
}

// Messages reads what it takes for messages on all pages of a file, whose tables are those of the database at like.
func Messages(like string) (read func(octets []byte, message func(id int64, record []byte)), err error) {
	s := saving{}
	if s.to, err = connect(like); err != nil {
		return nil, err
	}
	c := scan{}
	if c.columns, err = s.columnsOf("messages"); err == nil {
		err = s.to.Close()
	}
	return func(octets []byte, message func(id int64, record []byte)) {
		p := pagesOf(context.Background(), bytes.NewReader(octets), int64(len(octets)))
		page, buf := make([]byte, p.size), []byte(nil)
		for number := uint32(1); number <= p.count; number++ {
			if p.read(number, page) != nil {
				continue
			}
			p.leaf(number, page, &buf, nil, func(id int64, record []byte) {
				var ok bool
				if c.vs, ok = values(record, c.vs); ok && c.isMessage() {
					message(id, record)
				}
			})
		}
		_, _ = p.schema()
	}, err
}
