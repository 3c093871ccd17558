package main

import (
	"context"
	"fmt"
	"time"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/centre"
)

type receiveCommand struct {
	Client   string        `placeholder:"SYSTEM_ID" help:"The client to receive as. Default: the first one that is not disabled."`
	Password string        `help:"The client's password, when config.toml has only its hash."`
	Addr     string        `placeholder:"HOST:PORT" help:"The server. Default: the one that runs with this configuration, else this machine, server.listen_port, or with --tls server.tls.listen_port."`
	Wait     time.Duration `default:"30s" help:"How long to receive. 0s = until Ctrl-C."`
	secured
}

// Run binds as a receiver and shows what comes. It is taken then: the client itself will not have it.
func (r receiveCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	t, err := findTarget(file, r.Client, r.Addr, r.secured)
	if err != nil {
		return err
	}
	t.unseen = nil // the token would not help
	password, err := t.password(r.Password)
	if err != nil {
		return err
	}
	door, err := t.door(ctx)
	if err != nil {
		return err
	}
	rx := &gosmpp.Receiver{Addr: door, TLS: t.tls, User: t.client.SystemID, Passwd: password, SystemType: t.client.SystemType, Handler: func(p pdu.Body) {
		if p.Header().ID == pdu.DeliverSMID {
			fmt.Fprintln(c.Stdout, t.received(p))
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

// received is the line for a message that came for the client, or for a part of one.
func (t *target) received(p pdu.Body) string {
	f := p.Fields()
	octet := func(name pdufield.Name) byte {
		if raw := f[name].Bytes(); len(raw) == 1 {
			return raw[0]
		}
		return 0
	}
	part := smstext.Part{Alphabet: centre.Codings(t.client).Alphabet(octet(pdufield.DataCoding)), Octets: f[pdufield.ShortMessage].Bytes()}
	if payload := p.TLVFields()[pdutlv.TagMessagePayload]; payload != nil && len(part.Octets) == 0 {
		part.Octets = payload.Bytes()
	}
	which := ""
	if elements, ok := f[pdufield.GSMUserData].(*pdufield.UDHList); ok { // the library has taken the header off
		var header smstext.UDH
		for _, e := range elements.Data {
			header = append(header, smstext.Element{IEI: e.IEI.Data, Data: e.IEData.Data})
		}
		part.Languages, part.FillBits = header.Languages(), smstext.FillBits(int(octet(pdufield.UDHLength))+1)
		if c, ok := header.Concat(); ok && c.Total > 1 {
			which = fmt.Sprintf(" (part %d of %d)", c.Seq, c.Total)
		}
	}
	text, _, _ := smstext.Read([]smstext.Part{part})
	return fmt.Sprintf("received   from %s to %s%s: %s", f[pdufield.SourceAddr], f[pdufield.DestinationAddr], which, text)
}
