package sqlite

import (
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
