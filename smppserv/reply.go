package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/running"
)

type replyCommand struct {
	From   string `required:"" help:"The campaign number that writes."`
	To     string `required:"" help:"The person's number."`
	Text   string `required:"" help:"What to send."`
	ID     string `help:"Hermès' id of the message: the same id again sends nothing twice."`
	Client string `help:"The client that is to have it, when several own the campaign number."`
	Addr   string `placeholder:"HOST:PORT" help:"The server. Default: this machine, tcp.listen_port."`
}

const replyTime = 10 * time.Second

// Run hands in one line on the TCP port (docs: the line is what Hermès sends) and prints the answer's status.
func (r replyCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	if err := checkAddr(r.Addr); err != nil {
		return err
	}
	addr := r.Addr
	if addr == "" {
		addr = loopback(file.Config.TCP.ListenHost, file.Config.TCP.ListenPort)
		if server, _ := running.Look(file.Path); server != nil && running.Reachable(server.TCP) != "" {
			addr = running.Reachable(server.TCP)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	conn, _, err := introduced(ctx, file.Config, addr)
	if err != nil {
		return notThere(addr, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(replyTime))
	request := map[string]string{"from": r.From, "to": r.To, "text": r.Text}
	for key, value := range map[string]string{"id": r.ID, "client": r.Client, "token": file.Config.TCP.Token} {
		if value != "" {
			request[key] = value
		}
	}
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		return fmt.Errorf("send to %s: %w", addr, err)
	}
	var answer struct {
		Status, Code, Error string
		MessageID           string `json:"message_id"`
		Duplicate           bool
	}
	if err := json.NewDecoder(bufio.NewReader(conn)).Decode(&answer); err != nil {
		return fmt.Errorf("%s gave no answer of the TCP port's (%w): is it tcp.listen_port, %d?", addr, err, file.Config.TCP.ListenPort)
	}
	if answer.Status != "accepted" {
		return errors.New(answer.Status + ": " + answer.Code + ": " + answer.Error)
	}
	text := "accepted"
	if answer.Duplicate {
		text += " (a duplicate: nothing is sent again)"
	}
	_, err = fmt.Fprintln(c.Stdout, text, "message_id", answer.MessageID)
	return err
}
