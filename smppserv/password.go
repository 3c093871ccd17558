package main

import (
	"context"
	"errors"
	"fmt"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
)

type hashPasswordCommand struct {
	Algorithm config.Algorithm `enum:"argon2id,bcrypt" default:"argon2id" help:"argon2id, or bcrypt, which earlier versions of this program know, too."`
}

func (h hashPasswordCommand) Run(ctx context.Context, c *commandline.Console) error {
	text, err := c.ReadPassword(ctx, "Password: ")
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	if text == "" {
		return errors.New("the standard input holds no password: type one, or use: echo secret | smppserv hash-password")
	}
	hash, err := config.HashPasswordBy(h.Algorithm, text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Stdout, hash)
	return err
}
