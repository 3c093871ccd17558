package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/adminport"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/table"
)

// passwordVariable is the environment variable that a user's password is taken from.
const passwordVariable = "SMPPSERV_PASSWORD"

// Asking are the flags of each command that asks a running server.
type Asking struct {
	Addr string `placeholder:"HOST:PORT" help:"The server's admin port, or its URL (https://…). Default: that of the server that runs with the configuration file."`
	User string `placeholder:"NAME" help:"A user of admin.users; its password is asked for, or taken from the environment variable SMPPSERV_PASSWORD. An administrator (root) of the server's machine needs none."`
	JSON bool   `name:"json" help:"For programs: the answer of the API."`
}

// server is a running one that a command asks.
type server struct {
	*adminapi.Remote
	*commandline.Console
	width  int // of the terminal, 0 = the output goes elsewhere
	user   string
	unseen error // why this account may not read what the server of its configuration says
}

// find finds the server that is to be asked.
func (a Asking) find(ctx context.Context, line *commandLine, c *commandline.Console) (*server, error) {
	login, err := a.login(ctx, c)
	if err != nil {
		return nil, err
	}
	return a.findAs(login, line, c)
}

func (a Asking) findAs(login adminapi.Login, line *commandLine, c *commandline.Console) (*server, error) {
	s := &server{Console: c, width: table.Width(c.Stdout), user: a.User}
	path, err := line.find()
	if err != nil && a.Addr == "" {
		return nil, err
	}
	var runs *running.Server
	if err == nil {
		if runs, err = running.Look(path); errors.Is(err, fs.ErrPermission) {
			s.unseen = err
		} else if err != nil && a.Addr == "" {
			return nil, err
		}
	}
	switch {
	case runs != nil && (a.Addr == "" || a.Addr == running.Reachable(runs.Admin)):
		s.Remote, err = adminport.Of(runs, login)
		return s, err
	case a.Addr != "":
		s.Remote, err = adminport.At(a.Addr, login)
		return s, err
	case s.unseen == nil:
		return nil, fmt.Errorf("no server runs with %s; start it with: %s", path, registration.Start())
	}
	// Whoever may not read what the server says may read config.toml perhaps, and be let in without a token.
	cfg, err := config.Load(path)
	if err != nil {
		why := s.unseen
		if file, ok := errors.AsType[*fs.PathError](why); ok {
			why = file
		}
		return nil, fmt.Errorf("this account may not read what the running server says (%w): run this %s, or name the server's port with --addr", why, asAdministrator)
	}
	s.Remote, err = adminport.Of(&running.Server{Admin: cfg.Admin.Listen, AdminCert: cfg.Admin.CertFile}, login)
	return s, err
}

const asAdministrator = "as an administrator (root)"

func (a Asking) login(ctx context.Context, c *commandline.Console) (adminapi.Login, error) {
	if a.User == "" {
		return adminapi.Login{}, nil
	}
	password := os.Getenv(passwordVariable)
	if password == "" {
		var err error
		if password, err = c.ReadPassword(ctx, "Password of "+a.User+": "); err != nil {
			return adminapi.Login{}, fmt.Errorf("read the password: %w", err)
		}
	}
	if password == "" {
		return adminapi.Login{}, fmt.Errorf("the user %s needs a password: type it, or set the environment variable %s", a.User, passwordVariable)
	}
	return adminapi.Login{User: a.User, Password: password}, nil
}

// explain tells what to do where the server was not asked, or did not do what was asked.
func (s *server) explain(err error) error {
	var dial *net.OpError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, adminapi.ErrUnknown) && s.user != "":
		return fmt.Errorf("%s is no user of admin.users, or the password is wrong (%w)", s.user, err)
	case errors.Is(err, adminapi.ErrUnknown):
		return fmt.Errorf("%w: give one with --user, or run this %s on the server's machine", err, asAdministrator)
	case errors.Is(err, adminapi.ErrForbidden) && s.unseen != nil && s.user == "":
		return fmt.Errorf("%w: run this %s, or with --user", err, asAdministrator)
	case errors.Is(err, adminapi.ErrForeign):
		return fmt.Errorf("%w: admin.listen of its config.toml names that port", err)
	case errors.Is(err, adminapi.ErrAway):
		return fmt.Errorf("%w: ask again in a moment", err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("no server answers at %s (%w): start it with: %s", s.URL(), dial.Err, registration.Start())
	case errors.As(err, &authority), errors.As(err, &name):
		return fmt.Errorf("%w: ask by the name that the certificate bears, on a machine that trusts it; on the server's own machine leave --addr out", err)
	}
	return err
}

const (
	// patience is how long a command works without a word.
	patience = 2 * time.Second
	// nextWord is between two words after the first.
	nextWord = 5 * time.Second
)

// patiently waits for work, and says on the standard error what it does where that takes long, and what the answers lack.
func (s *server) patiently(ctx context.Context, doing func() string, work func(context.Context) error) error {
	ctx = adminapi.Gathering(ctx)
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	began := time.Now()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	for {
		select {
		case err := <-done:
			for _, what := range adminapi.Lacks(ctx) {
				fmt.Fprintln(s.Stderr, table.Plain("smppserv: "+what.String()))
			}
			return s.explain(err)
		case <-wait.C:
			fmt.Fprintf(s.Stderr, "%s … (%s)\n", doing(), adminapi.Duration(time.Since(began)))
			wait.Reset(nextWord)
		}
	}
}

// ask asks the server one question; say shows the answer to people, unless it is wanted as JSON.
func ask[T any](ctx context.Context, a Asking, line *commandLine, c *commandline.Console, question func(context.Context, *adminapi.Remote) (T, error), say func(*server, T) error) error {
	s, err := a.find(ctx, line, c)
	if err != nil {
		return err
	}
	defer s.Close()
	var answer T
	err = s.patiently(ctx, func() string { return "asking " + s.URL() }, func(ctx context.Context) (err error) {
		answer, err = question(ctx, s.Remote)
		return err
	})
	if err != nil {
		return err
	}
	if a.JSON {
		return s.json(answer)
	}
	return say(s, answer)
}

func (s *server) json(v any) error {
	enc := json.NewEncoder(s.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// say writes a line, in which nothing gives the terminal orders.
func (s *server) say(format string, args ...any) error {
	_, err := fmt.Fprintln(s.Stdout, table.Plain(fmt.Sprintf(format, args...)))
	return err
}

// show writes a table, or a line where it has no rows.
func (s *server) show(t *table.Table, none string) error {
	if t.Len() == 0 {
		return s.say("%s", none)
	}
	return t.Write(s.Stdout, s.width)
}

// facts writes lines of a name and what is to say of it. What is empty is left out.
func (s *server) facts(pairs ...string) (err error) {
	for i := 0; i < len(pairs) && err == nil; i += 2 {
		if pairs[i+1] != "" {
			err = s.say("%-12s %s", pairs[i], pairs[i+1])
		}
	}
	return err
}

// done says what became of an action; otherwise is what it says where the server has no words for it.
func (s *server) done(d adminapi.Done, otherwise string) error {
	return s.say("%s", cmp.Or(d.Text.String(), otherwise))
}

// clock is a time of today, or of another day with its date; "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// age is how long ago a time is; "" for none.
func age(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return adminapi.Duration(time.Since(t))
}

// since is a time and how long ago that is; "" for none.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return "since " + clock(t) + " (" + age(t) + ")"
}

// count is a number; "" for none.
func count[N int | int64 | uint64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

func mark(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
