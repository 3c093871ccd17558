package main

import (
	"context"
	"fmt"
	"time"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/smstext"
)

type receiveCommand struct {
	Client   string        `placeholder:"SYSTEM_ID" help:"The client to receive as. Default: the first one that is not disabled."`
	Password string        `help:"The client's password, when config.toml has only its hash."`
	Addr     string        `placeholder:"HOST:PORT" help:"The server. Default: the one that runs with this configuration, else this machine, server.listen_port."`
	Wait     time.Duration `default:"30s" help:"How long to receive. 0s = until Ctrl-C."`
}

// Run binds as a receiver and shows what comes. It is taken then: the client itself will not have it.
func (r receiveCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	t, err := findTarget(file, r.Client, r.Addr)
	if err != nil {
		return err
	}
	t.unseen = nil // the token would not help
	password, err := t.password(r.Password)
	if err != nil {
		return err
	}
	rx := &gosmpp.Receiver{Addr: t.addr, User: t.client.SystemID, Passwd: password, SystemType: t.client.SystemType, Handler: func(p pdu.Body) {
		if p.Header().ID == pdu.DeliverSMID {
			fmt.Fprintln(c.Stdout, received(p.Fields()))
		}
	}}
	defer rx.Close()
	if err := t.await(ctx, rx.Bind()); err != nil {
		return err
	}
	if r.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Wait)
		defer cancel()
	}
	<-ctx.Done()
	return nil
}

// received is the line for a message that came for the client.
func received(f pdufield.Map) string {
	var dcs byte
	if raw := f[pdufield.DataCoding].Bytes(); len(raw) == 1 {
		dcs = raw[0]
	}
	text := smstext.Decode(smstext.ForDataCoding(dcs, smstext.GSM7), f[pdufield.ShortMessage].Bytes())
	return fmt.Sprintf("received   from %s to %s: %s", f[pdufield.SourceAddr], f[pdufield.DestinationAddr], text)
}
