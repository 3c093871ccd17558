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

func TestAPasswordThatIsTypedIsNotShown(t *testing.T) {
	const secret = "s3cret-typed"
	person, program := terminal(t)
	cmd := exec.Command(testkit.Program(t, "smppserv"), "hash-password")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	seen := &testkit.Log{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
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
		mode, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS)
		return err == nil && mode.Lflag&unix.ECHO == 0 && strings.Contains(seen.String(), "Password: ")
	})
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
