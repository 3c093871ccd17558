package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

type clientsCommand struct {
	Asking
	Client string `arg:"" optional:"" name:"client" help:"Only this one, with its events."`
}

// Run lists all clients, bound or not, or tells all of one.
func (k clientsCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	if k.Client != "" {
		return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Client, error) { return r.Client(ctx, k.Client) }, sayClient)
	}
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) ([]adminapi.Client, error) { return r.Clients(ctx) }, sayClients)
}

func sayClients(s *server, all []adminapi.Client) error {
	t := table.New(table.Column{Name: "CLIENT"}, table.Column{Name: "STATE"}, table.Column{Name: "SINCE"}, table.Column{Name: "FROM"},
		table.Column{Name: "IN", Right: true}, table.Column{Name: "OUT", Right: true}, table.Column{Name: "FAILED", Right: true},
		table.Column{Name: "WAITING", Right: true}, table.Column{Name: "OLDEST", Right: true}, table.Column{Name: "WHY", Flexible: true})
	for _, c := range all {
		from := ""
		if len(c.Sessions) > 0 {
			from = c.Sessions[0].Remote
		}
		t.Add(c.SystemID, c.State, clock(c.Since), from, count(c.Today.In), count(c.Today.Out), count(c.Today.Failed), count(c.Waiting.Count), age(c.Waiting.Oldest), whyClient(c))
	}
	return s.show(t, "there is no client")
}

// whyClient is what keeps messages from a client.
func whyClient(c adminapi.Client) string {
	var all []string
	if !c.Configured {
		all = append(all, "not in config.toml")
	}
	if c.Disabled {
		all = append(all, "disabled")
	}
	if c.Paused != nil {
		all = append(all, "paused by "+c.Paused.By)
	}
	if c.Traced {
		all = append(all, "traced")
	}
	if why := c.Why.String(); why != "" {
		all = append(all, why)
	}
	return strings.Join(all, "; ")
}

func sayClient(s *server, c adminapi.Client) error {
	rate, paused := fmt.Sprintf("%d submits a second", c.Rate), ""
	if c.Limit > 0 {
		rate += fmt.Sprintf(", at most %d", c.Limit)
	}
	if c.Paused != nil {
		paused = "by " + c.Paused.By + " " + since(c.Paused.Since)
	}
	numbers := strings.Join(c.Numbers, ", ")
	if len(c.Numbers) == 0 {
		numbers = "all"
	}
	waiting := ""
	if c.Waiting.Count > 0 {
		waiting = fmt.Sprintf("%d (texts %d, receipts %d), the oldest for %s: %s", c.Waiting.Count, c.Waiting.Texts, c.Waiting.Receipts, age(c.Waiting.Oldest), c.Waiting.Why) + atNodes(c.Waiting.Nodes)
	}
	err := s.facts("client", c.SystemID, "state", strings.TrimSpace(c.State+" "+since(c.Since)), "why", c.Why.String(), "configured", no(c.Configured), "disabled", mark(c.Disabled), "paused", paused, "traced", mark(c.Traced), "numbers", numbers,
		"rate", rate, "today", fmt.Sprintf("%d in, %d out, %d failed", c.Today.In, c.Today.Out, c.Today.Failed), "waiting", waiting,
		"last bind", event(c.LastBind), "last refusal", event(c.LastRefusal))
	if err == nil && len(c.Sessions) > 0 {
		fmt.Fprintln(s.Stdout)
		err = saySessions(s, c.Sessions)
	}
	if err != nil || len(c.Events) == 0 {
		return err
	}
	t := table.New(table.Column{Name: "TIME"}, table.Column{Name: "EVENT"}, table.Column{Name: "FROM"}, table.Column{Name: "WHAT", Flexible: true})
	for _, e := range c.Events {
		what := e.Text.String()
		if e.Node != "" {
			what = strings.TrimSpace(what + " (at " + e.Node + ")")
		}
		t.Add(clock(e.At), e.Kind, e.Remote, what)
	}
	fmt.Fprintln(s.Stdout)
	return t.Write(s.Stdout, s.width)
}

// no tells what is not so.
func no(is bool) string {
	if is {
		return ""
	}
	return "no"
}

func event(e *adminapi.Event) string {
	if e == nil {
		return ""
	}
	text := clock(e.At)
	if e.Remote != "" {
		text += " from " + e.Remote
	}
	if !e.Text.IsZero() {
		text += ": " + e.Text.String()
	}
	return text
}

type sessionsCommand struct{ Asking }

func (k sessionsCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) ([]adminapi.Session, error) { return r.Sessions(ctx) }, saySessions)
}

func saySessions(s *server, all []adminapi.Session) error {
	nodes := false
	columns := []table.Column{{Name: "SESSION", Right: true}}
	for _, e := range all {
		if e.Node != "" && !nodes {
			nodes, columns = true, append(columns, table.Column{Name: "NODE"})
		}
	}
	t := table.New(append(columns, table.Column{Name: "CLIENT"}, table.Column{Name: "STATE"}, table.Column{Name: "FROM"}, table.Column{Name: "VERSION"}, table.Column{Name: "TLS"},
		table.Column{Name: "SINCE"}, table.Column{Name: "HEARD"}, table.Column{Name: "WINDOW", Right: true}, table.Column{Name: "SUBMITS", Right: true}, table.Column{Name: "REFUSED", Right: true},
		table.Column{Name: "DELIVERS", Right: true}, table.Column{Name: "LAST ERROR", Flexible: true})...)
	for _, e := range all {
		window := ""
		if e.Window > 0 {
			window = fmt.Sprintf("%d/%d", e.InFlight, e.Window)
		}
		row := []string{strconv.FormatUint(e.ID, 10)}
		if nodes {
			row = append(row, e.Node)
		}
		t.Add(append(row, e.SystemID, e.State, e.Remote, e.Version, mark(e.TLS), clock(e.Since), clock(e.Heard), window, count(e.Submits), count(e.Refused), count(e.Delivers), e.LastError.String())...)
	}
	return s.show(t, "no client is connected")
}

type unbindCommand struct {
	Asking
	Session uint64 `arg:"" name:"session" help:"The number of the session, as sessions lists it."`
	Node    string `placeholder:"NAME" help:"The node that has it, where several share the store. Default: the one that is asked."`
}

func (k unbindCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Done, error) {
		return adminapi.Done{Count: 1}, r.Unbind(ctx, k.Node, k.Session)
	}, func(s *server, _ adminapi.Done) error { return s.say("session %d is unbound", k.Session) })
}

type pauseCommand struct {
	Asking
	Client string `arg:"" name:"client" help:"Its system_id."`
}

func (k pauseCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Done, error) { return r.Pause(ctx, k.Client) },
		func(s *server, d adminapi.Done) error {
			return s.done(d, k.Client+" is paused: it may submit, and nothing is sent to it")
		})
}

type resumeCommand struct {
	Asking
	Client string `arg:"" name:"client" help:"Its system_id."`
}

func (k resumeCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Done, error) { return r.Resume(ctx, k.Client) },
		func(s *server, d adminapi.Done) error { return s.done(d, k.Client+" is sent messages again") })
}

type handOverCommand struct {
	Asking
	From string `required:"" placeholder:"CLIENT" help:"The client that messages wait for; also one that config.toml no longer has."`
	To   string `required:"" placeholder:"CLIENT" help:"The client of config.toml that is to have them."`
}

func (k handOverCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Done, error) {
		return r.HandOver(ctx, k.From, k.To)
	},
		func(s *server, d adminapi.Done) error {
			return s.done(d, fmt.Sprintf("%d messages now wait for %s", d.Count, k.To))
		})
}

type traceCommand struct {
	Asking
	Client string `arg:"" name:"client" help:"Its system_id."`
	What   string `arg:"" name:"what" enum:"on,off,save" help:"on, off, or save: write what was recorded into FILE."`
	File   string `arg:"" optional:"" name:"file" type:"path" help:"The new file, for Wireshark (.pcapng)."`
	Texts  bool   `help:"With save: the texts of messages too, which leaves an entry in the audit."`
	Force  bool   `help:"With save: overwrite FILE."`
}

// Run switches the record of a client's PDUs, or writes it into a file.
func (k traceCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	switch {
	case k.What == "save" && k.File == "":
		return &commandline.Error{Code: commandline.ExitUsage, Err: errors.New("trace save needs the name of a new file, such as " + k.Client + ".pcapng")}
	case k.What != "save" && (k.File != "" || k.Texts || k.Force):
		return &commandline.Error{Code: commandline.ExitUsage, Err: errors.New("a file, --texts and --force are for trace save")}
	case k.What == "save":
		return ask(ctx, k.Asking, line, c, k.save, func(s *server, octets saved) error { return s.say("%s: %d octets", octets.File, octets.Octets) })
	}
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Done, error) {
		return r.Trace(ctx, k.Client, k.What == "on")
	},
		func(s *server, d adminapi.Done) error { return s.done(d, "the trace of "+k.Client+" is "+k.What) })
}

// saved is what became of a file.
type saved struct {
	File   string `json:"file"`
	Octets int64  `json:"octets"`
}

// save leaves no file behind where there is nothing to write.
func (k traceCommand) save(ctx context.Context, r *adminapi.Remote) (saved, error) {
	content, err := r.TraceFile(ctx, k.Client, k.Texts)
	if err != nil {
		return saved{}, err
	}
	defer content.Close()
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if k.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(k.File, flags, 0o600) // numbers stand in it, and perhaps texts
	if errors.Is(err, fs.ErrExist) {
		return saved{}, fmt.Errorf("%s exists already; name another one, or add --force to overwrite it", k.File)
	}
	if err != nil {
		return saved{}, err
	}
	n, err := io.Copy(f, content)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(k.File)
	}
	return saved{k.File, n}, err
}
