package faults

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/testkit"
)

// terminal opens a pseudoterminal: what a person sees and types, and what a program has for one.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this system has no pseudoterminals: ", err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// asksForAPassword runs smppserv hash-password at a terminal, and returns when it asks. ended is closed when nothing more is to be seen.
func asksForAPassword(t *testing.T) (cmd *exec.Cmd, person *os.File, seen *testkit.Log, ended <-chan struct{}) {
	t.Helper()
	person, program := terminal(t)
	cmd = exec.Command(testkit.Program(t, "smppserv"), "hash-password")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	seen = &testkit.Log{}
	end := make(chan struct{})
	go func() {
		defer close(end)
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			_, _ = seen.Write(b[:n])
			if err != nil { // the program has let its end go
				return
			}
		}
	}()
	testkit.Await(t, "it asks for the password, and the terminal does not show what is typed", func() bool {
		return !echoes(t, person) && strings.Contains(seen.String(), "Password: ")
	})
	return cmd, person, seen, end
}

// echoes tells whether the terminal shows what is typed.
func echoes(t *testing.T, person *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO != 0
}

func TestAPasswordThatIsTypedIsNotShown(t *testing.T) {
	const secret = "s3cret-typed"
	cmd, person, seen, ended := asksForAPassword(t)
	if _, err := person.WriteString(secret + "\n"); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, ended, "the end of smppserv hash-password")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if strings.Contains(seen.String(), secret) {
		t.Errorf("the password is shown: %q", seen.String())
	}
	words := strings.Fields(seen.String())
	if hash := words[len(words)-1]; !strings.HasPrefix(hash, "$argon2id$") || !config.CheckPassword(hash, secret) {
		t.Errorf("printed %q", seen.String())
	}
}

func TestAPromptForAPasswordIsLeftByASignalWithTheTerminalAsItWas(t *testing.T) {
	for name, leave := range map[string]func(cmd *exec.Cmd, person *os.File) error{
		"Ctrl-C":  func(_ *exec.Cmd, person *os.File) error { _, err := person.WriteString("s3cr\x03"); return err },
		"SIGTERM": func(cmd *exec.Cmd, _ *os.File) error { return cmd.Process.Signal(syscall.SIGTERM) },
		"SIGHUP":  func(cmd *exec.Cmd, _ *os.File) error { return cmd.Process.Signal(syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			cmd, person, seen, ended := asksForAPassword(t)
			if err := leave(cmd, person); err != nil {
				t.Fatal(err)
			}
			end := make(chan error, 1)
			go func() { end <- cmd.Wait() }()
			_ = testkit.Receive(t, end, "the end of smppserv hash-password")
			if code := cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d (%s)", code, cmd.ProcessState)
			}
			testkit.Receive(t, ended, "all that it wrote")
			if said := seen.String(); !strings.HasSuffix(said, "\r\nsmppserv: read the password: interrupted\r\n") {
				t.Errorf("it says %q", said)
			}
			if !echoes(t, person) {
				t.Error("the terminal does not show what is typed any more")
			}
		})
	}
}
