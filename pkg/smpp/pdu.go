package smpp

import (
	"encoding/binary"
	"fmt"
)

// PDU is one of the structs of this package, by pointer.
type PDU interface {
	// Command returns the command_id it is sent with.
	Command() CommandID

	appendBody(dst []byte) []byte
	// decodeBody sets every field from the body of command.
	decodeBody(command CommandID, body []byte) error
}

// AppendPDU encodes p behind dst, its command_length filled in.
//
// A response whose status is not ROK is a header alone (4.4.2), with these exceptions:
// a submit_sm_resp or data_sm_resp that has TLVs keeps its body (transaction mode,
// 4.7.2; v5 4.2.5), and bind_transceiver_resp has an empty system_id, for which peers
// wait.
func AppendPDU(dst []byte, status Status, sequence uint32, p PDU) []byte {
	command := p.Command()
	if status != ROK && command.IsResponse() && !hasBodyInErrors(p) {
		return appendRefused(dst, command, status, sequence)
	}
	start := len(dst)
	dst = AppendHeader(dst, command, status, sequence)
	dst = p.appendBody(dst)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

func hasBodyInErrors(p PDU) bool {
	switch p := p.(type) {
	case *SubmitSMResp:
		return len(p.TLVs) > 0
	case *DataSMResp:
		return len(p.TLVs) > 0
	}
	return false
}

// AppendHeader encodes a PDU that has no body behind dst.
func AppendHeader(dst []byte, command CommandID, status Status, sequence uint32) []byte {
	return Header{Length: HeaderLen, Command: command, Status: status, Sequence: sequence}.Append(dst)
}

// AppendRefusal encodes the answer that refuses a request: its own response, or
// generic_nack where it has none.
func AppendRefusal(dst []byte, request CommandID, status Status, sequence uint32) []byte {
	return appendRefused(dst, request.Response(), status, sequence)
}

func appendRefused(dst []byte, response CommandID, status Status, sequence uint32) []byte {
	if response != CmdBindTransceiverResp {
		return AppendHeader(dst, response, status, sequence)
	}
	h := Header{Length: HeaderLen + 1, Command: response, Status: status, Sequence: sequence}
	return append(h.Append(dst), 0)
}

// Decode returns the PDU that h announces. The error is a *DecodeError; a command that is
// not known is one with RINVCMDID.
func Decode(h Header, body []byte) (PDU, error) {
	info, ok := commands[h.Command]
	if !ok {
		return nil, &DecodeError{Command: h.Command, Status: RINVCMDID, Reason: "not known"}
	}
	p := info.new()
	if err := p.decodeBody(h.Command, body); err != nil {
		return nil, err
	}
	return p, nil
}

// DecodeBody decodes into p, whatever was in it before; the memory of its TLVs is used
// again, and so are the strings of a SubmitSM that stay the same. After an error p holds what was read until then. The error is a *DecodeError.
func DecodeBody(h Header, body []byte, p PDU) error {
	switch p.(type) {
	case *Bind:
		if !isBind(h.Command) {
			return mismatch(h.Command, p)
		}
	case *BindResp:
		if !isBindResp(h.Command) {
			return mismatch(h.Command, p)
		}
	default:
		if h.Command != p.Command() {
			return mismatch(h.Command, p)
		}
	}
	return p.decodeBody(h.Command, body)
}

func mismatch(command CommandID, p PDU) error {
	return &DecodeError{Command: command, Status: RSYSERR, Reason: fmt.Sprintf("cannot be decoded into %T", p)}
}
