package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/running"
	"hnetsmpp/smppserv/centre"
)

type replyCommand struct {
	From   string `required:"" help:"The campaign number that writes."`
	To     string `required:"" help:"The person's number."`
	Text   string `required:"" help:"What to send."`
	ID     string `help:"Hermès' id of the message: the same id again sends nothing twice."`
	Client string `help:"The client that is to have it, when several own the campaign number."`
	Addr   string `placeholder:"HOST:PORT" help:"The server. Default: this machine, tcp.listen_port, or with --tls tcp.tls.listen_port."`
	secured
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
	addr, err := r.server(file)
	if err != nil {
		return err
	}
	conf, err := r.config(addr, file.Config.TCP.TLS.CertFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	conn, _, err := introduced(ctx, file.Config, addr)
	if err != nil {
		return notThere(addr, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(replyTime))
	if conf != nil {
		conn = tls.Client(conn, conf)
	}
	request := map[string]string{"from": r.From, "to": r.To, "text": r.Text}
	for key, value := range map[string]string{"id": r.ID, "client": r.Client, "token": file.Config.TCP.Token} {
		if value != "" {
			request[key] = value
		}
	}
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		if fault := r.fault(addr, err); fault != nil {
			return fault
		}
		return fmt.Errorf("send to %s: %w", addr, err)
	}
	var answer struct {
		Status, Code, Error string
		MessageID           string `json:"message_id"`
		Duplicate           bool
	}
	if err := json.NewDecoder(bufio.NewReader(conn)).Decode(&answer); err != nil {
		if fault := r.fault(addr, err); fault != nil {
			return fault
		}
		port, key := file.Config.TCP.ListenPort, "tcp.listen_port"
		if conf != nil {
			port, key = file.Config.TCP.TLS.ListenPort, "tcp.tls.listen_port"
		}
		return fmt.Errorf("%s gave no answer of the TCP port's (%w): is it %s, %d?", addr, err, key, port)
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

// server is where the TCP port is.
func (r replyCommand) server(file centre.File) (string, error) {
	t := file.Config.TCP
	runs, _ := running.Look(file.Path)
	if runs == nil {
		runs = &running.Server{}
	}
	if addr, err := r.port(r.Addr, runs.TCPTLS, t.ListenHost, "tcp.tls", t.TLS); r.TLS || err != nil {
		return addr, err
	}
	switch {
	case r.Addr != "":
		return r.Addr, nil
	case running.Reachable(runs.TCP) != "":
		return running.Reachable(runs.TCP), nil
	}
	return loopback(t.ListenHost, t.ListenPort), nil
}
