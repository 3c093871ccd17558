package smpp

import (
	"encoding/binary"
	"fmt"
)

// dest_flag (5.2.25).
const (
	destSME  = 1
	destList = 2
)

// maxDests is what number_of_dests and no_unsuccess can count.
const maxDests = 255

// Dest is one destination of submit_multi (4.5.1.1): a distribution list if ListName is
// not empty, else an address.
type Dest struct {
	ListName string // at most 20 characters
	Address
}

// SubmitMulti gives one message for several destinations to the message centre (4.5.1).
// Its layout is that of submit_sm with Dests in the place of Dest, which stays zero;
// ReplaceIfPresent is not used, 0.
type SubmitMulti struct {
	SubmitSM
	Dests []Dest // 1 to 254, in 5.0 255
}

func (p *SubmitMulti) Command() CommandID { return CmdSubmitMulti }

func (p *SubmitMulti) appendBody(dst []byte) []byte {
	dst = p.appendSource(dst)
	dst = appendDests(dst, p.Dests)
	return p.appendMessage(dst)
}

func (p *SubmitMulti) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	d.source(&p.SubmitSM)
	p.Dest = Address{}
	p.Dests = d.dests(p.Dests[:0])
	d.message(&p.SubmitSM)
	return d.err()
}

func appendDests(dst []byte, dests []Dest) []byte {
	dests = dests[:min(len(dests), maxDests)]
	dst = append(dst, byte(len(dests)))
	for _, t := range dests {
		if t.ListName != "" {
			dst = appendCString(append(dst, destList), t.ListName)
		} else {
			dst = appendAddress(append(dst, destSME), t.Address)
		}
	}
	return dst
}

// dests reads number_of_dests and as many dest_address.
func (d *decoder) dests(dst []Dest) []Dest {
	n := int(d.octet("number_of_dests"))
	if n == 0 {
		d.fail("number_of_dests", RINVNUMDESTS, "no destination")
	}
	for range n {
		flag := d.octet("dest_flag")
		if d.first != nil {
			break
		}
		switch flag {
		case destSME:
			dst = append(dst, Dest{Address: d.address("destination_addr", maxAddr, RINVDSTADR)})
		case destList:
			name := d.cstring("dl_name", maxListName, RINVDLNAME)
			if name == "" {
				d.fail("dl_name", RINVDLNAME, "empty")
			}
			dst = append(dst, Dest{ListName: name})
		default:
			d.fail("dest_flag", RINVDESTFLAG, fmt.Sprintf("%d is neither SME nor list", flag))
		}
	}
	return dst
}

// Unsuccess is a destination that a message could not be submitted to (4.5.2.1).
type Unsuccess struct {
	Address
	Status Status
}

// SubmitMultiResp answers submit_multi (4.5.2).
type SubmitMultiResp struct {
	MessageID string // at most 64 characters
	Unsuccess []Unsuccess
	TLVs      TLVs // 5.0 only
}

func (p *SubmitMultiResp) Command() CommandID { return CmdSubmitMultiResp }

func (p *SubmitMultiResp) appendBody(dst []byte) []byte {
	list := p.Unsuccess[:min(len(p.Unsuccess), maxDests)]
	dst = appendCString(dst, p.MessageID)
	dst = append(dst, byte(len(list)))
	for _, u := range list {
		dst = appendAddress(dst, u.Address)
		dst = binary.BigEndian.AppendUint32(dst, uint32(u.Status))
	}
	return AppendTLVs(dst, p.TLVs)
}

func (p *SubmitMultiResp) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = SubmitMultiResp{
		MessageID: d.lenientString(),
		Unsuccess: d.lenientUnsuccess(p.Unsuccess[:0]),
		TLVs:      d.lenientTLVs(p.TLVs[:0]),
	}
	return nil
}

// lenientUnsuccess reads no_unsuccess and the whole entries that are there.
func (d *decoder) lenientUnsuccess(dst []Unsuccess) []Unsuccess {
	for range d.lenientOctet() {
		u := Unsuccess{Address: Address{TON: d.lenientOctet(), NPI: d.lenientOctet(), Addr: d.lenientString()}}
		if len(d.rest) < 4 {
			d.rest = nil
			break
		}
		u.Status = Status(binary.BigEndian.Uint32(d.take(4)))
		dst = append(dst, u)
	}
	return dst
}
