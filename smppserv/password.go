package main

import (
	"errors"
	"fmt"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
)

type hashPasswordCommand struct{}

func (hashPasswordCommand) Run(c *commandline.Console) error {
	text, err := c.ReadPassword("Password: ")
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	if text == "" {
		return errors.New("the standard input holds no password: type one, or use: echo secret | smppserv hash-password")
	}
	hash, err := config.HashPassword(text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Stdout, hash)
	return err
}
