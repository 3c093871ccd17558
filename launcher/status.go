package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"hnetsmpp/launcher/logging"
	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/running"
)

// unknownState is the server's while the service runs and its launcher cannot write the status file.
const unknownState supervise.State = "not known: its status could not be written; is the disk full?"

type statusCommand struct {
	JSON bool `help:"For programs: one JSON object."`
}

// overview is what status tells.
type overview struct {
	Service       service.State   `json:"service"`
	State         supervise.State `json:"state"` // of the server that the launcher keeps
	LauncherPID   int             `json:"launcher_pid"`
	WorkerPID     int             `json:"worker_pid"`
	UptimeSeconds int64           `json:"uptime_seconds"`
	Restarts      int             `json:"restarts"`
	LastReason    string          `json:"last_reason"`
	LastEnd       string          `json:"last_end,omitempty"` // RFC 3339
	SMPP          string          `json:"smpp,omitempty"`
	SMPPTLS       string          `json:"smpp_tls,omitempty"`
	TCP           string          `json:"tcp,omitempty"`
	TCPTLS        string          `json:"tcp_tls,omitempty"`
	Admin         string          `json:"admin,omitempty"`
	Version       string          `json:"version,omitempty"` // of the server that runs
	Pending       []string        `json:"pending,omitempty"` // keys of config.toml that wait for a restart

	Hermes    *adminapi.Part    `json:"hermes,omitempty"`    // as the server says; nil = it did not say
	Attention []adminapi.Notice `json:"attention,omitempty"` // what needs attention, the worst first
	Untold    string            `json:"untold,omitempty"`    // why the server did not say

	Config string `json:"config"`
	Logs   string `json:"logs"`

	process int // that the service manager knows
}

// What status ends with where the server does not serve.
const (
	exitStopped = 5 // nothing runs, and nothing will by itself
	exitWaits   = 6 // it starts, stops, or waits for what keeps it from its work
)

// code is the exit code, for monitoring.
func (o *overview) code() int {
	switch {
	case o.State == supervise.Running, o.serves():
		return commandline.ExitDone
	case o.State == supervise.Stopped && (o.Service == service.Stopped || o.Service == service.NotInstalled):
		return exitStopped
	}
	return exitWaits
}

// notServing ends the program with a code alone: the status is told.
func (o *overview) notServing() error {
	if code := o.code(); code != commandline.ExitDone {
		return &commandline.Error{Code: code, Silent: true, Err: errors.New("the server does not serve")}
	}
	return nil
}

// Run tells how the service and the server that it keeps are. Its exit code is 0 only while the server serves.
func (c statusCommand) Run(line *commandLine, p *program) error {
	o, err := look(line.Config)
	if err != nil {
		return err
	}
	o.ask()
	if c.JSON {
		enc := json.NewEncoder(p.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(o); err != nil {
			return err
		}
		return o.notServing()
	}
	o.print(p.Stdout)
	return o.notServing()
}

// look finds out how things are: what the service manager says, and what the launcher wrote.
func look(explicit string) (*overview, error) {
	state, registered, err := service.Query()
	if err != nil {
		return nil, err
	}
	path := explicit
	if path == "" {
		path = registered.Config
	}
	if path == "" {
		if path, err = config.Find("", nil); err != nil {
			if state == service.NotInstalled {
				return nil, fmt.Errorf("the service %s is not installed, and there is %w", service.Name, err)
			}
			return nil, err
		}
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	o := &overview{process: registered.Process, Service: state, State: supervise.Stopped, Config: path, Logs: logging.Folder(path)}
	rep, err := supervise.ReadReport(o.Logs)
	if err == nil && o.Service == service.Running && (rep == nil || rep.State == supervise.Stopped) {
		o.State, rep = unknownState, nil
	}
	if errors.Is(err, os.ErrPermission) {
		err = needsRights("read the launcher's status", err)
	}
	if err != nil || rep == nil {
		return o, err
	}
	o.State, o.LauncherPID, o.WorkerPID, o.Restarts, o.LastReason = rep.State, rep.Launcher, rep.Worker, rep.Restarts, rep.LastReason
	if !rep.LastEnd.IsZero() {
		o.LastEnd = rep.LastEnd.Format(time.RFC3339)
	}
	if server, err := running.Look(path); err == nil && server != nil && server.PID == rep.Worker {
		o.Pending = server.Config.Pending
	}
	if rep.Ready != nil {
		o.SMPP, o.SMPPTLS, o.TCP, o.TCPTLS, o.Admin, o.Version = rep.Ready.SMPP, rep.Ready.SMPPTLS, rep.Ready.TCP, rep.Ready.TCPTLS, rep.Ready.Admin, rep.Ready.Version
	}
	if o.WorkerPID != 0 {
		o.UptimeSeconds = max(int64(time.Since(rep.StartedAt).Seconds()), 0) // the clock may have been set
	}
	return o, nil
}

// askTime is how long the server may take to say how it is.
const askTime = 2 * time.Second

// ask has the server say how Hermès is and what needs attention, where this account may ask.
func (o *overview) ask() {
	if o.WorkerPID == 0 || o.State != supervise.Running {
		return
	}
	s, err := statusOf(context.Background(), o.Config, o.WorkerPID)
	switch {
	case errors.Is(err, os.ErrPermission):
		o.Untold = needsRights("read what the server says of itself", err).Error()
	case errors.Is(err, adminapi.ErrSilent), errors.Is(err, context.DeadlineExceeded):
		o.Untold = fmt.Sprintf("the server does not say within %s how it is", askTime)
	case err != nil:
		o.Untold = err.Error()
	default:
		o.Attention = s.Attention
		if i := slices.IndexFunc(s.Parts, func(p adminapi.Part) bool { return p.Name == adminapi.PartHermes }); i >= 0 {
			o.Hermes = &s.Parts[i]
		}
	}
}

// said is a level with its reason.
func said(level adminapi.Level, since time.Time, text adminapi.Text) string {
	when := ""
	if !since.IsZero() {
		when = " since " + since.Local().Format(time.DateTime)
	}
	return fmt.Sprintf("%s%s: %s", level, when, strings.Map(printable, text.String()))
}

// printable shows what a terminal would take for an order as a question mark.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

// serves tells whether the service runs and its server is ready. The service manager's word counts where the launcher
// could not write its own.
func (o *overview) serves() bool {
	return o.Service == service.Running && (o.State == supervise.Running || o.State == unknownState)
}

func (o *overview) print(w io.Writer) {
	line := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			fmt.Fprintf(w, "%-12s %s\n", name, text)
		}
	}
	line("service", "%s (%s)", o.Service, service.Name)
	server := string(o.State)
	if o.WorkerPID != 0 {
		server += fmt.Sprintf(", process %d, up %s", o.WorkerPID, time.Duration(o.UptimeSeconds)*time.Second)
	}
	line("server", "%s", server)
	line("restarts", "%d", o.Restarts)
	last := o.LastReason
	if o.LastEnd != "" {
		last = strings.Replace(o.LastEnd, "T", " ", 1) + ": " + last
	}
	line("last end", "%s", last)
	if o.Hermes != nil {
		line("Hermès", "%s", said(o.Hermes.Level, o.Hermes.Since, o.Hermes.Text))
	}
	for _, n := range o.Attention {
		line("attention", "%s", said(n.Level, n.Since, n.Text))
	}
	switch {
	case o.Untold != "":
		line("attention", "not known: %s", o.Untold)
	case o.Hermes != nil && len(o.Attention) == 0:
		line("attention", "nothing needs it")
	}
	if len(o.Pending) > 0 {
		line("restart", "needed for %s", strings.Join(o.Pending, ", "))
	}
	var ports []string
	for _, p := range [][2]string{{"SMPP", o.SMPP}, {"SMPP over TLS", o.SMPPTLS}, {"Hermès", o.TCP}, {"Hermès over TLS", o.TCPTLS}, {"admin", o.Admin}} {
		if p[1] != "" {
			ports = append(ports, p[0]+" "+p[1])
		}
	}
	line("ports", "%s", strings.Join(ports, ", "))
	line("version", "%s", o.Version)
	line("config", "%s", o.Config)
	line("logs", "%s", o.Logs)
}

// why is the reason that there is no server now.
func (o *overview) why() error {
	reason := o.LastReason
	if reason == "" {
		reason = "the logs may tell more: " + o.Logs
	}
	return errors.New(reason)
}
