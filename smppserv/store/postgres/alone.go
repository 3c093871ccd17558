package postgres

import (
	"context"
	"errors"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

// alone is a database that one process has for itself.
type alone struct{ *Database }

// Open opens a database for one process alone, without a lease: nobody else may work on it meanwhile, and whoever has it now, or has
// left messages in it under a lease, is store.ErrHeld. What waits of epochs that are over is its own.
func Open(ctx context.Context, o Options) (*store.Store, error) {
	o.GroupTime = 0
	d, err := OpenDatabase(ctx, o)
	if err != nil {
		return nil, err
	}
	d.alone = true
	epoch, err := d.takeAll(ctx)
	if err != nil {
		return nil, explain(d.where(), errors.Join(err, d.Close()))
	}
	return d.begin(ctx, epoch, alone{d})
}

// takeAll takes an epoch that has what waits of all others.
func (d *Database) takeAll(ctx context.Context) (epoch sms.Epoch, err error) {
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		var others, nodes int
		if _, err := tx.Exec(ctx, "LOCK TABLE fences, estates IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, "SELECT (SELECT count(*) FROM pg_stat_activity a, fences f WHERE a.application_name = 'hnetsmpp ' || f.epoch AND a.datname = current_database()), "+
			"(SELECT count(*) FROM nodes)").Scan(&others, &nodes)
		if err != nil {
			return err
		}
		if others > 0 || nodes > 0 {
			return fmt.Errorf("%w: stop all workers that use this database first", store.ErrHeld)
		}
		if err := tx.QueryRow(ctx, "SELECT nextval('epochs')").Scan((*int64)(&epoch)); err != nil {
			return err
		}
		for _, query := range []string{
			"INSERT INTO estates (epoch, owner) SELECT epoch, $1 FROM fences ON CONFLICT (epoch) DO NOTHING",
			"UPDATE estates SET owner = $1",
			"INSERT INTO fences (epoch) VALUES ($1)",
			"DELETE FROM fences WHERE epoch <> $1",
		} {
			if _, err := tx.Exec(ctx, query, int64(epoch)); err != nil {
				return err
			}
		}
		return nil
	})
	return epoch, err
}

// Close implements store.Database: it leaves what waits to whoever comes.
func (a alone) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	if err := a.leave(ctx); err != nil { // the next one takes it all the same
		a.o.Log.Warn().Err(explain(a.where(), err)).Msg("the database could not be told of the stop")
	}
	return a.Database.Close()
}

func (d *Database) leave(ctx context.Context) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO estates (epoch, owner, node) SELECT epoch, 0, $2 FROM fences WHERE epoch = $1", d.epoch.Load(), d.o.Node); err != nil {
			return err
		}
		for _, query := range []string{
			"UPDATE estates SET owner = 0 WHERE owner = $1",
			"DELETE FROM fences WHERE epoch = $1",
		} {
			if _, err := tx.Exec(ctx, query, d.epoch.Load()); err != nil {
				return err
			}
		}
		return nil
	})
}
