package centre

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/cluster"
	"hnetsmpp/smppserv/operators"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/sqlite"
)

const (
	// awayRetry is the time between two tries to reach a database that is away, awaySaid that between two lines of the log about it.
	awayRetry, awaySaid = time.Second, time.Minute
)

// refused is why a database that can be reached does not serve: no change of config.toml mends it, as a rule.
type refused struct{ error }

func (r *refused) Unwrap() error { return r.error }

// IsBadConfig knows the errors of a start that only a change of config.toml mends.
func IsBadConfig(err error) bool {
	return postgres.IsBadDSN(err) || errors.Is(err, store.ErrContentKey)
}

// isStopped knows the error of a start that was asked to stop.
func isStopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}

// openStore opens the store that config.toml names.
func (mc *centre) openStore(ctx context.Context, version string) (err error) {
	if mc.cfg.Store.Driver == config.DriverPostgres {
		return mc.joinStore(ctx, version)
	}
	keys, err := contentKeys(mc.cfg)
	if err == nil {
		mc.store, err = sqlite.Open(ctx, sqlite.Options{File: mc.cfg.Store.DSN, Keys: keys, Log: mc.log})
	}
	return err
}

// joinStore opens a store that several workers may share, and takes part in it. A database that is away is waited for.
func (mc *centre) joinStore(ctx context.Context, version string) error {
	var said time.Time
	for {
		err := mc.tryJoin(ctx, version)
		switch {
		case err == nil:
			if !said.IsZero() {
				mc.log.Info().Msg("the database is there")
			}
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case IsBadConfig(err):
			return err
		case !postgres.IsAway(err):
			return &refused{err}
		}
		mc.admin.Away("starting: the database is away: " + err.Error()) // before the log's line, whose reader asks /readyz
		if time.Since(said) >= awaySaid {
			said = time.Now()
			mc.log.Error().Err(err).Msg("the database is away: the server starts when it is there")
		}
		select {
		case <-time.After(awayRetry):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (mc *centre) tryJoin(ctx context.Context, version string) error {
	st, name := mc.cfg.Store, NodeName(mc.cfg)
	keys, err := contentKeys(mc.cfg)
	if err != nil {
		return err
	}
	database, err := postgres.OpenDatabase(ctx, postgres.Options{DSN: st.DSN, Beside: filepath.Dir(mc.path), Folder: mc.dataFolder(), Node: name, Lease: st.Lease,
		GroupTime: queueSettings(mc.cfg).Reassemble, Keys: keys, Log: mc.log})
	if err != nil {
		return err
	}
	mc.admin.Away("starting: joining the other workers on the store")
	node, err := cluster.Join(ctx, cluster.Options{Pool: database.Pool(), Name: name, Address: mc.cfg.Admin.Listen, Version: version, Lease: st.Lease,
		Configuration: mc.compared, Facts: mc.operators.Facts, Waiting: mc.waitingHere, Log: mc.log})
	if err != nil {
		return errors.Join(err, database.Close())
	}
	database.Estates(node.Estates)
	s, err := database.Begin(ctx, node.Epoch())
	if err != nil {
		leave, cancel := context.WithTimeout(context.Background(), st.Lease)
		defer cancel()
		err = errors.Join(err, node.Leave(leave))
		database.ClosePool()
		return err
	}
	mc.database, mc.store = database, s
	mc.nodes = &nodes{Node: node, Forwarder: cluster.NewForwarder(node, s, mc.log), mc: mc}
	return nil
}

// CheckKeys tells whether a start would take the keys of a configuration, where its store is a file that can be read here. IsBadConfig knows
// its error.
func CheckKeys(cfg *config.Config) error {
	keys, err := contentKeys(cfg)
	if err != nil || cfg.Store.Driver == config.DriverPostgres {
		return err
	}
	return sqlite.CheckKeys(cfg.Store.DSN, keys)
}

// keysFit is CheckKeys for the store that is open.
func (mc *centre) keysFit(cfg *config.Config) error {
	if mc.database == nil || cfg.Store.Driver != config.DriverPostgres {
		return CheckKeys(cfg)
	}
	keys, err := contentKeys(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), keysTime)
	defer cancel()
	return mc.database.CheckKeys(ctx, keys)
}

// keysTime is for how long a reload waits to be told whether keys fit.
const keysTime = 5 * time.Second

// contentKeys are what texts are sealed with, nil = nothing, and none are.
func contentKeys(cfg *config.Config) (*store.Keys, error) {
	read, err := config.ContentKeys(cfg.Store.EncryptKey)
	if err != nil || len(read) == 0 {
		return nil, err
	}
	keys := make([]store.ContentKey, len(read))
	for i, k := range read {
		keys[i] = store.ContentKey(k)
	}
	return store.NewKeys(keys, cfg.Store.EncryptContent)
}

// closeStore writes what waits, and gives what this worker has to the others.
func (mc *centre) closeStore(ctx context.Context) error {
	if mc.nodes != nil {
		if mc.smsc != nil {
			mc.smsc.Settle()
		}
		mc.nodes.stop()
	}
	err := mc.store.Close(ctx)
	if mc.nodes != nil && !mc.takenOver() {
		if left := mc.nodes.Leave(ctx); left != nil {
			mc.log.Warn().Err(left).Msg("the other workers were not told that this one stops: they take over when its lease is over")
		}
	}
	if mc.database != nil {
		mc.database.ClosePool()
	}
	if mc.takenOver() {
		return nil // what could not be written is another's
	}
	return err
}

// dataFolder is where the server keeps files.
func (mc *centre) dataFolder() string {
	return config.DataFolder(mc.path, mc.cfg)
}

// share is what the queue is told of other workers, nil = there are none.
func (mc *centre) share() queue.Share {
	if mc.nodes == nil {
		return nil
	}
	return mc.nodes
}

// neighbours are the workers that operators see beside this one, nil = there are none.
func (mc *centre) neighbours() operators.Others {
	if mc.nodes == nil {
		return nil
	}
	return mc.nodes
}

// others is the same for the SMPP side.
func (mc *centre) others() smsc.Others {
	if mc.nodes == nil {
		return nil
	}
	return mc.nodes
}

// waitingHere counts the undelivered messages of each owner, for the other workers.
func (mc *centre) waitingHere() map[string]int {
	if q := mc.owned.Load(); q != nil {
		return q.Owned()
	}
	return nil
}
