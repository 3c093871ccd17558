package smsc

import (
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

const token = "DOGS4CATS7DOGS4CATS7DOGS4C"

func operatorRig(t *testing.T, change func(*rig)) *rig {
	return newRig(t, func(r *rig, o *Options) {
		o.Operator = func(password string) bool { return password == token }
		if change != nil {
			change(r)
		}
	})
}

// A command of this machine, smppserv send, submits beside a client that has both of its sessions bound, is told what became of its
// own message and why, and takes nothing of what is for the client.
func TestACommandSubmitsBesideTheClientAndTakesNothingOfIts(t *testing.T) {
	r := operatorRig(t, nil)
	client := r.transceiver()
	id := client.SubmitSM(&smpp.SubmitSM{Source: smpp.Address{Addr: person}, Dest: smpp.Address{Addr: campaign}, RegisteredDelivery: 1, ShortMessage: []byte("theirs")})
	theirs := r.next()

	command := r.dial()
	command.Bind(smpp.CmdBindTransceiver, "alice", token, smpp.V34)
	own := command.SubmitSM(&smpp.SubmitSM{Source: smpp.Address{Addr: person + "0"}, Dest: smpp.Address{Addr: campaign}, RegisteredDelivery: 1, ShortMessage: []byte("ours")})
	try := r.next()
	if try.Submitter != "alice" || string(try.Content) != "ours" || try.RegisteredDelivery != 0 {
		t.Errorf("Hermès is given %+v", try.Message)
	}
	theirs.report(sms.Outcome{Verdict: sms.Done})
	try.report(sms.Outcome{Verdict: sms.Failed, Code: 404, Reason: "HTTP 404 Not Found: " + strings.Repeat("é", 200)})

	told := command.ExpectDeliver()
	receipt, err := smpp.ParseReceipt(told.ShortMessage)
	reason, _ := told.TLVs.Text(smpp.TagAdditionalStatusInfoText)
	if err != nil || receipt.ID != own || receipt.State != smpp.StateUndeliverable || receipt.Err != 404 || !strings.HasPrefix(reason, "HTTP 404 Not Found: éé") || len(reason) > 255 {
		t.Errorf("the command is told %+v, %q, %v", receipt, reason, err)
	}
	if got, err := smpp.ParseReceipt(client.ExpectDeliver().ShortMessage); err != nil || got.ID != id {
		t.Errorf("the client is told %+v, %v", got, err)
	}
	client.ExpectAlive()
	client.ExpectSilence(time.Millisecond) // it is told of nothing else
	command.ExpectAlive()
	command.ExpectSilence(time.Millisecond)
}

// A client may want its receipts to bear the message_id in another form than the response; a command compares the two.
func TestACommandIsToldOfItsMessageByTheIDOfTheResponse(t *testing.T) {
	for _, hex := range []bool{false, true} {
		r := operatorRig(t, func(r *rig) { r.alice().MessageIDHex, r.alice().ReceiptIDHex = hex, !hex })
		r.hermes.eager = true
		command := r.dial()
		command.Bind(smpp.CmdBindTransceiver, "alice", token, smpp.V34)
		for range 12 { // up to an id that is written otherwise in hexadecimal
			id := command.SubmitSM(&smpp.SubmitSM{Source: smpp.Address{Addr: person}, Dest: smpp.Address{Addr: campaign}, ShortMessage: []byte("ours")})
			told := command.ExpectDeliver()
			receipt, err := smpp.ParseReceipt(told.ShortMessage)
			if named, _ := told.TLVs.Text(smpp.TagReceiptedMessageID); err != nil || receipt.ID != id || named != id {
				t.Fatalf("of message %s the command is told %+v, %s, %v", id, receipt, named, err)
			}
		}
	}
}

func TestTheTokenOpensNothingButSubmitSM(t *testing.T) {
	r := operatorRig(t, func(r *rig) { r.st.Clients[1].Disabled = true })
	for _, c := range []struct {
		kind     smpp.CommandID
		systemID string
		password string
		want     smpp.Status
	}{
		{smpp.CmdBindTransceiver, "alice", token + "x", smpp.RINVPASWD},
		{smpp.CmdBindTransceiver, "alice", "", smpp.RINVPASWD},
		{smpp.CmdBindTransceiver, "nobody", token, smpp.RINVSYSID},
		{smpp.CmdBindTransceiver, "bob", token, smpp.RBINDFAIL},
		{smpp.CmdBindReceiver, "alice", token, smpp.RBINDFAIL},
	} {
		d := r.dial()
		d.ExpectResp(d.Send(&smpp.Bind{Type: c.kind, SystemID: c.systemID, Password: c.password, InterfaceVersion: smpp.V34}), c.want)
	}
	command := r.dial()
	command.Bind(smpp.CmdBindTransceiver, "alice", token, smpp.V34)
	command.ExpectResp(command.Send(&smpp.QuerySM{MessageID: "1"}), smpp.RQUERYFAIL)
	r.transceiver() // it took no place
}

func TestWithoutATokenNobodyIsAnOperator(t *testing.T) {
	r := newRig(t, nil)
	d := r.dial()
	d.ExpectResp(d.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "alice", Password: token, InterfaceVersion: smpp.V34}), smpp.RINVPASWD)
}
