package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/launcher/service"
	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/adminport"
	"hnetsmpp/pkg/running"
)

const (
	// watchEvery is between two looks at how the server is.
	watchEvery = 5 * time.Second
	// sureAfter is how long a trouble must be gone before it is told to be over: one that comes and goes is told once.
	sureAfter = time.Minute
)

// trouble is a state of the server that administrators are told of, when it begins and when it is over.
type trouble struct {
	code        string // of the server's notice
	begun, over uint32 // the numbers of the launcher's notices
	part        string // the part of the server that must stand again; one that is not known yet does not
	ended       string // with the time since when it was so
	each        bool   // another reason is told again
}

var troubles = []trouble{
	{adminapi.CodeHermesSilent, noticeHermesSilent, noticeHermesBack, adminapi.PartHermes, "Hermès takes messages again; it had not since %s.", false},
	{adminapi.CodeStoreUnwritable, noticeStoreSilent, noticeStoreBack, adminapi.PartStore, "The database can be written again; it could not since %s.", false},
	{adminapi.CodeConfigRefused, noticeReloadRefused, noticeReloadTaken, adminapi.PartConfiguration, "config.toml is in force again as it is; a change was refused since %s.", true},
}

// lasting is a trouble that was told.
type lasting struct {
	since, seen time.Time
	text        string
}

// watch tells of troubles by what the server says of itself on its admin port.
type watch struct {
	config string
	worker func() int // process id, 0 = none runs
	tell   func(service.Notice)

	lasts map[string]*lasting // by code
}

// run looks until ctx ends. A server that does not answer, or has no admin port, tells nothing.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pid := w.worker()
		if pid == 0 {
			continue
		}
		if s, err := statusOf(ctx, w.config, pid); err == nil {
			for _, n := range w.judge(s, time.Now()) {
				w.tell(n)
			}
		}
	}
}

// judge is what is to be told of a status.
func (w *watch) judge(s adminapi.Status, now time.Time) (notices []service.Notice) {
	if w.lasts == nil {
		w.lasts = map[string]*lasting{}
	}
	for _, t := range troubles {
		l := w.lasts[t.code]
		i := slices.IndexFunc(s.Attention, func(n adminapi.Notice) bool { return n.Code == t.code })
		switch {
		case i >= 0 && l != nil && (!t.each || l.text == s.Attention[i].Text.String()):
			l.seen = now
		case i >= 0:
			n := s.Attention[i]
			l = &lasting{since: n.Since, seen: now, text: n.Text.String()}
			if l.since.IsZero() {
				l.since = now
			}
			w.lasts[t.code] = l
			text := l.text + "."
			if !n.ToDo.IsZero() {
				text += " To do: " + n.ToDo.String() + "."
			}
			notices = append(notices, service.Notice{ID: t.begun, Failure: true, Text: text})
		case l != nil && stands(s, t.part) && now.Sub(l.seen) >= sureAfter:
			delete(w.lasts, t.code)
			notices = append(notices, service.Notice{ID: t.over, Text: fmt.Sprintf(t.ended, l.since.Local().Format(time.DateTime))})
		}
	}
	return notices
}

// stands tells whether a part is known to work.
func stands(s adminapi.Status, part string) bool {
	return slices.ContainsFunc(s.Parts, func(p adminapi.Part) bool {
		return p.Name == part && (p.Level == adminapi.Good || p.Level == adminapi.Warning)
	})
}

// errOther is that the server of the configuration is not the launcher's.
var errOther = errors.New("the server has not said yet where it can be asked")

// statusOf asks the server of a configuration, which is process pid, how it is.
func statusOf(ctx context.Context, config string, pid int) (s adminapi.Status, err error) {
	server, err := running.Look(config)
	if err != nil {
		return s, err
	}
	if server == nil || server.PID != pid {
		return s, errOther
	}
	remote, err := adminport.Of(server, adminapi.Login{})
	if err != nil {
		return s, err
	}
	defer remote.Close()
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return remote.Status(ctx)
}
