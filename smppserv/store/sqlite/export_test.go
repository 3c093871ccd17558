package sqlite

import (
	"context"

	"hnetsmpp/smppserv/store"
)

// OpenWith opens a store whose connection that writes is told a pragma.
func OpenWith(ctx context.Context, o Options, pragma string) (*store.Store, error) {
	d, err := openFile(ctx, o)
	if err == nil && pragma != "" {
		err = exec(d.writer.conn, "PRAGMA "+pragma)
	}
	if err != nil {
		return nil, err
	}
	return store.New(ctx, d, o.Log)
}
