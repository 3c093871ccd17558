package commandline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/alecthomas/kong"

	"hnetsmpp/pkg/commandline"
)

type commands struct {
	Loud bool

	Greet struct{ greet } `cmd:"" help:"Say hello."`
	Fail  struct{ fail }  `cmd:"" help:"Go wrong."`
}

type greet struct{}

func (greet) Run(flags *commands, c *commandline.Console) error {
	_, err := fmt.Fprintln(c.Stdout, "hello, loud:", flags.Loud)
	return err
}

type fail struct {
	How string `arg:""`
}

func (f fail) Run() error {
	err := errors.New("no luck")
	switch f.How {
	case "coded":
		return fmt.Errorf("today: %w", &commandline.Error{Code: 7, Err: err})
	case "bare":
		return &commandline.Error{Code: 3, Err: errors.Join(errors.New("a:1: x"), errors.New("a:2: y")), Bare: true}
	}
	return err
}

func TestArgumentsBecomeOutputAndExitCode(t *testing.T) {
	for _, tt := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"greet --loud", 0, "hello, loud: true\n", ""},
		{"--help", 0, "Usage: tool", ""},
		{"greet --help", 0, "Say hello.", ""},
		{"great", 2, "", "tool: unexpected argument great"},
		{"greet --lout", 2, "", "(tool --help shows what there is)\n"},
		{"fail plainly", 1, "", "tool: no luck\n"},
		{"fail coded", 7, "", "tool: today: no luck\n"},
		{"fail bare", 3, "", "a:1: x\na:2: y\n"},
	} {
		var stdout, stderr bytes.Buffer
		c := commandline.Console{Stdout: &stdout, Stderr: &stderr}
		tool := commandline.Program{Name: "tool", Description: "A tool.", Commands: &commands{}, Options: []kong.Option{kong.Bind(&c)}}
		if code := tool.Run(strings.Fields(tt.args), c); code != tt.code {
			t.Errorf("%s: exit code %d, want %d", tt.args, code, tt.code)
		}
		if !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) ||
			tt.stdout == "" && stdout.Len() > 0 || tt.stderr == "" && stderr.Len() > 0 || tt.args == "fail bare" && stderr.String() != tt.stderr {
			t.Errorf("%s: stdout %q, stderr %q", tt.args, &stdout, &stderr)
		}
	}
}

func TestAPasswordIsOneLineAndNotAskedForWhereNobodyTypes(t *testing.T) {
	for input, want := range map[string]string{"secret\n": "secret", "secret\r\nmore\n": "secret", " se cret ": " se cret ", "": ""} {
		var stderr bytes.Buffer
		got, err := commandline.Console{Stdin: strings.NewReader(input), Stderr: &stderr}.ReadPassword(t.Context(), "Password: ")
		if got != want || err != nil || stderr.Len() > 0 {
			t.Errorf("%q: got %q, %v, asked %q", input, got, err, &stderr)
		}
	}
	if _, err := (commandline.Console{Stdin: iotest.ErrReader(io.ErrClosedPipe)}).ReadPassword(t.Context(), ""); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestAPasswordIsWaitedForNoLongerThanTheCommandLasts(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if got, err := (commandline.Console{Stdin: in}).ReadPassword(ctx, ""); err == nil || err.Error() != "interrupted" {
		t.Errorf("got %q, %v", got, err)
	}
}
