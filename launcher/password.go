package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
)

// readPassword reads the password of the service's account. On the command line others could see it.
func readPassword(p *program) (string, error) {
	if f, ok := p.stdin.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		fmt.Fprint(p.stderr, "Password of the account (it is shown while you type): ")
	}
	text, err := bufio.NewReader(p.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the account's password: %w", err)
	}
	if text = strings.TrimRight(text, "\r\n"); text == "" {
		return "", errors.New("the account needs its password on the standard input")
	}
	return text, nil
}
