package centre

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/sqlite"
)

const (
	// awayWait is the wait between two tries to reach a database that is away, awayTold how often the log is told.
	awayWait = time.Second
	awayTold = time.Minute
)

// refused is why a database that can be reached does not serve: no change of config.toml mends it, as a rule.
type refused struct{ error }

func (r *refused) Unwrap() error { return r.error }

// IsBadConfig knows the errors of a start that only a change of config.toml mends.
func IsBadConfig(err error) bool { return postgres.IsBadDSN(err) }

// openStore opens the database. One that is away it waits for.
func (mc *centre) openStore(ctx context.Context) (*store.Store, error) {
	cfg := mc.cfg.Store
	if cfg.Driver == config.DriverSQLite {
		return sqlite.Open(ctx, sqlite.Options{File: cfg.DSN, Log: mc.log})
	}
	var told time.Time
	for {
		s, err := postgres.Open(ctx, postgres.Options{DSN: cfg.DSN, Beside: filepath.Dir(mc.path), Folder: config.DataFolder(mc.path, mc.cfg), Node: nodeName(mc.cfg), Lease: cfg.Lease, Log: mc.log})
		switch {
		case err == nil:
			if !told.IsZero() {
				mc.log.Info().Msg("the database is there")
			}
			return s, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case postgres.IsBadDSN(err):
			return nil, err
		case !postgres.IsAway(err):
			return nil, &refused{err}
		}
		mc.admin.Away("starting: " + err.Error())
		if time.Since(told) >= awayTold {
			told = time.Now()
			mc.log.Error().Err(err).Msg("the database is away: the server serves when it is there")
		}
		select {
		case <-time.After(awayWait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// isStopped knows the error of a start that was asked to stop.
func isStopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}
