package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
)

type sendCommand struct {
	To       string        `required:"" help:"The destination: a campaign number of Hermès."`
	From     string        `default:"33612345678" help:"The sender's number."`
	Text     string        `required:"" help:"What to send."`
	Password string        `help:"The client's password, when config.toml has only its hash."`
	Addr     string        `placeholder:"HOST:PORT" help:"The server. Default: this machine, server.listen_port."`
	Wait     time.Duration `default:"30s" help:"How long to wait for the receipts."`
}

// Run binds as the first client of config.toml through go-smpp, a client that is not ours, and sends one text.
// What else comes for the client meanwhile is taken and shown.
func (s sendCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	client := file.Config.Clients[0]
	password := client.Password
	switch {
	case s.Password != "":
		password = s.Password
	case config.IsHash(password):
		return fmt.Errorf("config.toml has only the hash of %s's password: give the password with --password", client.SystemID)
	}
	addr := s.Addr
	if addr == "" {
		addr = loopback(file.Config.Server.ListenHost, file.Config.Server.ListenPort)
	}
	receipts := make(chan smpp.Receipt, 256)
	others := make(chan string, 256) // messages that waited for the client: it has taken them, so it shows them
	trx := &gosmpp.Transceiver{Addr: addr, User: client.SystemID, Passwd: password, Handler: func(p pdu.Body) {
		if p.Header().ID != pdu.DeliverSMID {
			return
		}
		if r, err := smpp.ParseReceipt(p.Fields()[pdufield.ShortMessage].Bytes()); err == nil {
			receipts <- r
			return
		}
		select {
		case others <- received(p.Fields()):
		default:
		}
	}}
	defer trx.Close()
	if status := (<-trx.Bind()); status.Status() != gosmpp.Connected {
		return bindError(addr, client.SystemID, status.Error())
	}
	ids, err := submit(trx, s)
	if err != nil {
		return err
	}
	waiting := map[string]bool{}
	for _, id := range ids {
		fmt.Fprintln(c.Stdout, "message_id", id)
		waiting[id] = true
	}
	ctx, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	for len(waiting) > 0 {
		select {
		case r := <-receipts:
			if !waiting[r.ID] {
				continue // of an earlier message
			}
			delete(waiting, r.ID)
			fmt.Fprintf(c.Stdout, "receipt    %s %s err:%03d\n", r.ID, r.State.Stat(), r.Err)
		case text := <-others:
			fmt.Fprintln(c.Stdout, text)
		case <-ctx.Done():
			return fmt.Errorf("no receipt for %d message(s) within %s; it is still to come: see the server's log", len(waiting), s.Wait)
		}
	}
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

func loopback(host string, port int) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func bindError(addr, systemID string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("no server answers at %s (%w): start it with: smppserv", addr, err)
	}
	return fmt.Errorf("the bind of %s at %s was refused: %w; the server's log says why", systemID, addr, err)
}

// submit sends the text in GSM 7 bit if it fits, else in UCS-2, in as many parts as it takes.
func submit(trx *gosmpp.Transceiver, s sendCommand) ([]string, error) {
	m := &gosmpp.ShortMessage{Src: s.From, Dst: s.To, Register: pdufield.FinalDeliveryReceipt,
		SourceAddrTON: smpp.TONInternational, SourceAddrNPI: smpp.NPIISDN, DestAddrNPI: smpp.NPIISDN}
	limit := smstext.Limit(smstext.GSM7, smstext.HeaderNone)
	alphabet := smstext.Best(s.Text)
	m.Text = pdutext.GSM7(s.Text)
	if alphabet == smstext.UCS2 {
		m.Text = pdutext.UCS2(s.Text)
		limit = smstext.Limit(smstext.UCS2, smstext.HeaderNone)
	}
	if smstext.Length(alphabet, s.Text) <= limit {
		sent, err := trx.Submit(m)
		if err != nil {
			return nil, fmt.Errorf("the message was refused: %w", err)
		}
		return []string{sent.RespID()}, nil
	}
	parts, err := trx.SubmitLongMsg(m)
	if err != nil {
		return nil, fmt.Errorf("the message was refused: %w", err)
	}
	var ids []string
	for i := range parts {
		ids = append(ids, parts[i].RespID())
	}
	return ids, nil
}
