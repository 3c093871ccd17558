package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/centre"
)

type sendCommand struct {
	To       string        `required:"" help:"The destination: a campaign number of Hermès."`
	From     string        `default:"33612345678" help:"The sender's number."`
	Text     string        `required:"" help:"What to send."`
	Client   string        `placeholder:"SYSTEM_ID" help:"The client to send as. Default: the first one that is not disabled."`
	Password string        `help:"Bind as the client itself does, with this password, and take one of its places."`
	Addr     string        `placeholder:"HOST:PORT" help:"The server. Default: the one that runs with this configuration, else this machine, server.listen_port, or with --tls server.tls.listen_port."`
	Wait     time.Duration `default:"30s" help:"How long to wait for what becomes of the message."`
	secured
}

// end is what a message has come to.
type end struct {
	id, stat string
	err      int
	reason   string
}

// Run sends one text through go-smpp, a client that is not ours, and tells what becomes of it. Beside a server of this machine
// it binds as an operator's command, which takes none of the client's places and none of its messages; elsewhere as the
// client's transmitter, and asks for the message's state.
func (s sendCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	t, err := findTarget(file, s.Client, s.Addr, s.secured)
	if err != nil {
		return err
	}
	var ends <-chan end
	var session *gosmpp.Transmitter
	if t.token != "" && s.Password == "" {
		ends, session, err = t.bindBeside(ctx)
	} else {
		ends, session, err = t.bindAs(ctx, s)
	}
	if session != nil {
		defer session.Close()
	}
	if err != nil {
		return err
	}
	ids, err := submit(session, t.message(s, ends != nil))
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
	if ends == nil {
		ends = queryAll(ctx, session, s.From, ids)
	}
	for len(waiting) > 0 {
		select {
		case e := <-ends:
			if !waiting[e.id] {
				continue
			}
			delete(waiting, e.id)
			text := fmt.Sprintf("receipt    %s %s err:%03d", e.id, e.stat, e.err)
			if e.reason != "" {
				text += " " + e.reason
			}
			fmt.Fprintln(c.Stdout, text)
		case <-ctx.Done():
			return fmt.Errorf("what becomes of %d message(s) is not known within %s; they are tried on: see the server's log", len(waiting), s.Wait)
		}
	}
	return nil
}

// bindBeside binds with the server's token. What comes on the session is what became of its own messages.
func (t *target) bindBeside(ctx context.Context) (<-chan end, *gosmpp.Transmitter, error) {
	door, err := t.door(ctx)
	if err != nil {
		return nil, nil, err
	}
	ends := make(chan end, 256) // one text has no more parts
	trx := &gosmpp.Transceiver{Addr: door, TLS: t.tls, User: t.client.SystemID, Passwd: t.token, RespTimeout: stepTime, Handler: func(p pdu.Body) {
		if p.Header().ID != pdu.DeliverSMID {
			return
		}
		r, err := smpp.ParseReceipt(p.Fields()[pdufield.ShortMessage].Bytes())
		if err != nil {
			return
		}
		e := end{id: r.ID, stat: r.State.Stat(), err: r.Err}
		if f := p.TLVFields()[pdutlv.TagAdditionalStatusInfoText]; f != nil {
			e.reason = strings.TrimRight(string(f.Bytes()), "\x00")
		}
		select {
		case ends <- e:
		default:
		}
	}}
	return ends, &trx.Transmitter, t.await(ctx, trx.Bind())
}

// bindAs binds as the client's transmitter.
func (t *target) bindAs(ctx context.Context, s sendCommand) (<-chan end, *gosmpp.Transmitter, error) {
	password, err := t.password(s.Password)
	if err != nil {
		return nil, nil, err
	}
	door, err := t.door(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx := &gosmpp.Transmitter{Addr: door, TLS: t.tls, User: t.client.SystemID, Passwd: password, SystemType: t.client.SystemType, RespTimeout: stepTime}
	return nil, tx, t.await(ctx, tx.Bind())
}

// queryAll asks for the states of messages until they are final, or ctx ends.
func queryAll(ctx context.Context, tx *gosmpp.Transmitter, from string, ids []string) <-chan end {
	ends := make(chan end, len(ids))
	go func() {
		pause := 100 * time.Millisecond
		for _, id := range ids {
			for {
				r, err := tx.QuerySM(from, id, smpp.TONInternational, smpp.NPIISDN)
				if err != nil {
					ends <- end{id, "UNKNOWN", 0, "(its state cannot be asked for: " + err.Error() + ")"}
					break
				}
				if stat, final := finalStats[r.MsgState]; final {
					ends <- end{id, stat, int(r.ErrCode), ""}
					break
				}
				select {
				case <-time.After(pause):
					pause = min(2*pause, time.Second)
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return ends
}

// finalStats are the final states in query_sm_resp, with their words in receipts (appendix B).
var finalStats = map[string]string{"DELIVERED": "DELIVRD", "EXPIRED": "EXPIRED", "DELETED": "DELETED", "UNDELIVERABLE": "UNDELIV", "REJECTED": "REJECTD"}

// written is a text in an alphabet that go-smpp does not know, or in one that the client calls otherwise.
type written struct {
	dcs    byte
	octets []byte
}

// Type implements pdutext.Codec, as Encode and Decode do.
func (w written) Type() pdutext.DataCoding { return pdutext.DataCoding(w.dcs) }

// Encode is the text's octets.
func (w written) Encode() []byte { return w.octets }

// Decode is Encode.
func (w written) Decode() []byte { return w.octets }

// message is the text in the client's default alphabet if it fits, else in UCS-2. Without told the client itself would be sent the
// receipts, so none is asked for.
func (t *target) message(s sendCommand, told bool) *gosmpp.ShortMessage {
	m := &gosmpp.ShortMessage{Src: s.From, Dst: s.To, ServiceType: t.serviceType(),
		SourceAddrTON: smpp.TONInternational, SourceAddrNPI: smpp.NPIISDN, DestAddrNPI: smpp.NPIISDN}
	if told {
		m.Register = pdufield.FinalDeliveryReceipt
	}
	switch alphabet, dcs := centre.Codings(t.client).Choose(s.Text); {
	case alphabet == smstext.GSM7 && dcs == byte(pdutext.DefaultType):
		m.Text = pdutext.GSM7(s.Text)
	case alphabet == smstext.UCS2 && dcs == byte(pdutext.UCS2Type):
		m.Text = pdutext.UCS2(s.Text)
	default:
		octets, _ := smstext.Encode(alphabet, s.Text)
		m.Text = written{dcs, octets}
	}
	return m
}

// serviceType is one that the client may name: none, where it may name none.
func (t *target) serviceType() string {
	if allowed := t.client.ServiceTypes; len(allowed) > 0 && !slices.Contains(allowed, "") {
		return allowed[0]
	}
	return ""
}

// fits reports whether a text goes into one message.
func fits(text pdutext.Codec) bool {
	alphabet := smstext.Binary // 140 octets
	if _, ok := text.(pdutext.GSM7); ok {
		alphabet = smstext.GSM7
	}
	return len(text.Encode()) <= smstext.Limit(alphabet, smstext.HeaderNone)
}

// submit sends the message in as many parts as it takes.
func submit(tx *gosmpp.Transmitter, m *gosmpp.ShortMessage) ([]string, error) {
	if fits(m.Text) {
		sent, err := tx.Submit(m)
		if err != nil {
			return nil, submitError(err)
		}
		return []string{sent.RespID()}, nil
	}
	parts, err := tx.SubmitLongMsg(m)
	if err != nil {
		return nil, submitError(err)
	}
	var ids []string
	for i := range parts {
		ids = append(ids, parts[i].RespID())
	}
	return ids, nil
}

func submitError(err error) error {
	if errors.Is(err, gosmpp.ErrTimeout) {
		return fmt.Errorf("the server gave no answer to the message within %s: its disk or its database may hang; see its log", stepTime)
	}
	return fmt.Errorf("the message was refused: %w; the server's log says why", err)
}
