// Package centre is the message centre as a whole. It opens the parts, wires them, has them serve, gives them what changes
// in config.toml, and closes them in the reverse order. Of the running parts it alone knows config.Config.
//
//	SMPP clients ⇄ smsc ⇄ queue ⇄ hermes ⇄ Hermès
//	                       ⇅
//	                     store
package centre

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/admin/metrics"
	"hnetsmpp/smppserv/admin/page"
	"hnetsmpp/smppserv/alerts"
	"hnetsmpp/smppserv/cluster"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/operators"
	"hnetsmpp/smppserv/passwords"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/smsc/translate"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/trace"
)

// centre is everything that runs, in the order in which it is opened. It implements admin.Centre.
type centre struct {
	log      zerolog.Logger
	clock    queue.Clock
	nodes    *nodes             // nil = the store is this worker's alone
	database *postgres.Database // nil = the store is not in PostgreSQL
	store    *store.Store
	queue    *queue.Queue
	push     *hermes.Push
	smsc     *smsc.Server
	port     *hermes.Port
	admin    *admin.Server

	operators *operators.Operators
	started   config.File // as it was at the start
	shown     atomic.Pointer[operators.Config]

	counters      *metrics.Counters
	traces        *trace.Traces
	alerts        *alerts.Alerts
	endServing    context.CancelFunc
	plain, secure net.Listener // SMPP; secure is nil without TLS

	path string         // of config.toml
	runs *config.Config // as it was at the start: what needs a restart is so still

	mu      sync.Mutex
	cfg     *config.Config // as it is in effect
	users   []config.User  // of the admin port
	pending []string       // the keys that wait for a restart

	secureConf atomic.Pointer[tls.Config] // of secure, with the certificates of now
	portConf   atomic.Pointer[tls.Config] // of the TCP port for Hermès; nil = it has none that speaks TLS
	adminConf  atomic.Pointer[tls.Config] // of the operators' port; nil = it speaks plain HTTP

	good   *passwords.Memory // of the operators' passwords
	places *passwords.Places // for all passwords that are hashed

	sums     atomic.Pointer[map[string]string] // of what is to be the same at all workers
	owned    atomic.Pointer[queue.Queue]       // whose messages are counted for the other workers; nil until it is there
	messages *messages
	launcher *worker.Launcher // nil = nobody supervises this worker
	flush    func()
	token    string // by which the commands of this machine show that they may read its files

	warned map[string]bool // the clients of which the log says that messages wait for them in vain

	// Of the goroutine that watches the file.
	file         config.File       // that was last taken up
	judged       time.Time         // the time of change of the one that was last read
	certificates map[string]string // what was in the files that it names, by the key
	notice       *running.Notice   // for the commands of this machine; nil = they are told nothing
	says         running.Server
}

// begin opens the operators' port, which says that the server starts and is the last to close. version is this program's.
func begin(path string, cfg *config.Config, version string, lines *operators.Lines, log zerolog.Logger) (*centre, error) {
	mc := &centre{log: log, clock: queue.SystemClock(), path: path, cfg: cfg, runs: cfg, token: newToken(), users: cfg.Admin.Users,
		certificates: digests(cfg.Certificates()), counters: metrics.NewCounters(), traces: trace.New(trace.Options{}),
		good: passwords.NewMemory(), places: passwords.NewPlaces(0)}
	conf, err := adminConfig(cfg.Admin)
	if err != nil {
		return nil, err
	}
	mc.operators = operators.New(operators.Options{Node: NodeName(cfg), Version: version, Started: time.Now(), Lines: lines, Log: log,
		Config: func() operators.Config { return *mc.shown.Load() }})
	mc.show(&mc.started, "")
	options := admin.Options{
		Listen: cfg.Admin.Listen, Version: version, AuthRequired: len(mc.users) > 0, Token: mc.token, Centre: mc, Log: log,
		Metrics: metrics.Handler(metrics.Options{Version: version, Node: NodeName(cfg), Source: mc.operators.Here(), Queue: func() sms.QueueStats { return mc.queue.Stats() }, Counters: mc.counters, Log: log}),
	}
	if conf != nil {
		mc.adminConf.Store(conf)
		options.TLS = following(&mc.adminConf)
	}
	mc.admin = admin.New(options)
	if err := mc.admin.Listen(); err != nil {
		return nil, err
	}
	mc.messages = newMessages(mc.counters, log)
	mc.admin.Serve()
	return mc, nil
}

// open opens the store, takes up what waits in it, and opens every other port. Where it cannot, it closes all.
func (mc *centre) open(ctx context.Context, version string) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, mc.close())
		}
	}()
	cfg, log := mc.cfg, mc.log
	mc.admin.Away("starting: opening the store")
	if err := mc.openStore(ctx, version); err != nil {
		return err
	}
	mc.store.Observe(mc.counters)
	mc.counters.Clients(systemIDs(cfg))
	mc.queue = queue.New(queue.Options{Settings: queueSettings(cfg), Store: mc.store, Share: mc.share(), Log: log, Observer: observer{mc.messages, mc.operators}, Clock: mc.clock})
	mc.owned.Store(mc.queue)
	push, err := pushOptions(cfg, log)
	if err != nil {
		return err
	}
	push.Observer = mc.counters
	if mc.push, err = hermes.NewPush(push); err != nil {
		return err
	}
	mc.smsc = smsc.New(smscOptions(cfg, mc), smscSettings(cfg))
	if mc.plain, mc.secure, err = mc.listenSMPP(cfg.Server); err != nil {
		return err
	}
	port, err := mc.portOptions(cfg)
	if err != nil {
		return err
	}
	mc.port = hermes.NewPort(port)
	if err := mc.port.Listen(); err != nil {
		return err
	}
	mc.admin.Away("starting: taking up the messages that wait")
	mc.alerts = alerts.New(alerts.Options{Node: NodeName(cfg), Source: mc.operators, File: filepath.Join(mc.dataFolder(), alertsFile), Log: log,
		Leader: mc.operators.Leader, Told: mc.operators.ToldByLeader})
	mc.alerts.Configure(alertSettings(cfg))
	if err := mc.operators.Open(ctx, operators.Parts{Queue: mc.queue, SMSC: mc.smsc, Push: mc.push, Port: mc.port, Store: mc.store,
		Traces: mc.traces, Alerts: mc.alerts, Others: mc.neighbours(), Logs: mc.logFiles(), Text: translate.Decode}); err != nil {
		return err
	}
	if mc.nodes != nil {
		mc.nodes.rows = cluster.NewRows(mc.queue, mc.store, mc.nodes.Apart, log)
		if err := mc.nodes.rows.Parted(ctx, mc.nodes.Estates()); err != nil {
			return err
		}
	}
	return mc.queue.Start(ctx)
}

// serve lets everything work, and tells where it listens.
func (mc *centre) serve() worker.Ready {
	ctx, end := context.WithCancel(context.Background())
	mc.endServing = end
	go mc.alerts.Run(ctx)
	if mc.nodes != nil {
		mc.nodes.begin()
	}
	mc.push.Attach(mc.queue)
	mc.smsc.Serve(mc.plain)
	go func() {
		if err := mc.port.Serve(); err != nil {
			mc.log.Error().Err(err).Msg("the TCP port for Hermès does not serve any more")
		}
	}()
	ready := worker.Ready{SMPP: mc.plain.Addr().String(), TCP: mc.port.Addr().String()}
	if a := mc.port.AddrTLS(); a != nil {
		ready.TCPTLS = a.String()
	}
	if mc.secure != nil {
		mc.smsc.ServeTLS(mc.secure, following(&mc.secureConf))
		ready.SMPPTLS = mc.secure.Addr().String()
	}
	if a := mc.admin.Addr(); a != nil {
		ready.Admin = a.String()
	}
	mc.admin.Here(mc.operators, page.New(page.Options{Operators: mc.operators, Actor: admin.ActorOf, FormToken: admin.FormToken,
		Users: len(mc.users) > 0, Log: mc.log}))
	return ready
}

// NodeName is how this worker is called among those on its store.
func NodeName(cfg *config.Config) string {
	if cfg.Store.Node != "" {
		return cfg.Store.Node
	}
	name, err := os.Hostname()
	if err != nil {
		return "smppserv"
	}
	return name
}

func (mc *centre) config() *config.Config {
	mc.mu.Lock()
	defer mc.mu.Unlock()
	return mc.cfg
}
