package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
)

// Shares of stopLimit: sessions are unbound first, then pushes under way are awaited, then outcomes go to disk.
const (
	unbindTime = 8 * time.Second
	drainTime  = 12 * time.Second
	storeTime  = 3 * time.Second
)

// server is everything that runs, in the order in which it is opened.
type server struct {
	log   zerolog.Logger
	store *store.Store
	queue *queue.Queue
	push  *hermes.Push
	smsc  *smsc.Server
	port  *hermes.Port
	admin *admin.Server

	plain, secure net.Listener // SMPP; secure is nil without TLS

	mu  sync.Mutex
	cfg *config.Config // as it is in effect
}

// open opens the store, takes up what waits in it, and opens every port.
func open(ctx context.Context, cfg *config.Config, log zerolog.Logger) (s *server, err error) {
	s = &server{log: log, cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.store, err = store.Open(ctx, store.Options{Driver: cfg.Store.Driver, DSN: cfg.Store.DSN, Log: log}); err != nil {
		return s, err
	}
	counters := admin.NewCounters()
	s.queue = queue.New(queue.Options{Settings: queueSettings(cfg), Store: s.store, Log: log, Observer: counters})
	push, err := pushOptions(cfg, log)
	if err != nil {
		return s, err
	}
	if s.push, err = hermes.NewPush(push); err != nil {
		return s, err
	}
	s.smsc = smsc.New(smscOptions(cfg, s.queue, s.store, log), smscSettings(cfg))
	if s.plain, s.secure, err = listenSMPP(cfg.Server); err != nil {
		return s, err
	}
	s.port = hermes.NewPort(hermes.PortOptions{
		Listen: net.JoinHostPort(cfg.TCP.ListenHost, strconv.Itoa(cfg.TCP.ListenPort)), Allow: prefixes(cfg.TCP.Allow), Token: cfg.TCP.Token,
		Validity: cfg.Hermes.Validity, Queue: s.queue, Route: s.smsc.Route, Log: log,
	})
	if err := s.port.Listen(); err != nil {
		return s, err
	}
	s.admin = admin.New(adminOptions(cfg, s, counters))
	if err := s.admin.Listen(); err != nil {
		return s, err
	}
	return s, s.queue.Start(ctx)
}

// serve lets everything work, and tells where it listens.
func (s *server) serve() worker.Ready {
	s.push.Attach(s.queue)
	s.smsc.Serve(s.plain)
	s.admin.Serve()
	go func() {
		if err := s.port.Serve(); err != nil {
			s.log.Error().Err(err).Msg("the TCP port for Hermès does not serve any more")
		}
	}()
	ready := worker.Ready{SMPP: s.plain.Addr().String(), TCP: s.port.Addr().String()}
	if s.secure != nil {
		s.smsc.Serve(s.secure)
		ready.SMPPTLS = s.secure.Addr().String()
	}
	if a := s.admin.Addr(); a != nil {
		ready.Admin = a.String()
	}
	return ready
}

// close stops in two steps: nothing new is begun, then what is under way ends. What does not end in time is taken up
// again after the next start. That is how a stop ends, too: only what the store could not write is an error.
func (s *server) close() error {
	if s.queue != nil {
		s.queue.Hold()
	}
	ctx, cancel := context.WithTimeout(context.Background(), unbindTime)
	defer cancel()
	var edges sync.WaitGroup // none waits for the slow peers of another
	if s.port != nil {
		edges.Go(func() { s.stopped("the TCP port", s.port.Close(ctx)) })
	}
	if s.smsc != nil {
		edges.Go(func() { s.smsc.Close(ctx) })
	}
	if s.admin != nil {
		edges.Go(func() { s.stopped("operators", s.admin.Close(ctx)) })
	}
	edges.Wait()
	for _, l := range []net.Listener{s.plain, s.secure} { // those that were opened and never served
		if l != nil {
			_ = l.Close()
		}
	}
	ctx, cancel = context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if s.queue != nil {
		s.stopped("tries under way", s.queue.Stop(ctx))
	}
	if s.push != nil {
		s.stopped("pushes", s.push.Close(ctx))
	}
	if s.store == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	return s.store.Close(ctx)
}

// stopped notes what had to be cut off so that the stop could end.
func (s *server) stopped(what string, err error) {
	if err != nil {
		s.log.Warn().Err(err).Msg("the stop did not wait any longer for " + what)
	}
}
