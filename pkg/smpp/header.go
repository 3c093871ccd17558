package smpp

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// HeaderLen is the size of a PDU's header in octets (3.2.1).
const HeaderLen = 16

// MaxPDU is the longest PDU, in octets, that this server takes: a message_payload of
// 64 KiB and room for all that stands around it.
const MaxPDU = 70000

// firstRead bounds what ReadPDU allocates on the word of a peer that has sent no body yet.
const firstRead = 4096

// Header is the header of a PDU (3.2.1).
type Header struct {
	Length   uint32 // of the whole PDU, header included
	Command  CommandID
	Status   Status
	Sequence uint32
}

// ParseHeader reads the header at the start of b. It is zero if b is shorter than
// HeaderLen.
func ParseHeader(b []byte) Header {
	if len(b) < HeaderLen {
		return Header{}
	}
	return Header{
		Length:   binary.BigEndian.Uint32(b[0:4]),
		Command:  CommandID(binary.BigEndian.Uint32(b[4:8])),
		Status:   Status(binary.BigEndian.Uint32(b[8:12])),
		Sequence: binary.BigEndian.Uint32(b[12:16]),
	}
}

// Append writes the header behind dst, its Length as it is.
func (h Header) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, h.Length)
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.Command))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.Status))
	return binary.BigEndian.AppendUint32(dst, h.Sequence)
}

// LengthError says that a command_length is not one a PDU can have. Where the next PDU
// starts is then unknown: the stream cannot be read on.
type LengthError struct {
	Header Header
	Max    uint32 // what the reader would have taken
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("%s: command_length %d is not in %d..%d", e.Header.Command, e.Header.Length, HeaderLen, e.Max)
}

// Unwrap returns the status to answer with.
func (e *LengthError) Unwrap() error { return RINVCMDLEN }

// ReadPDU reads one PDU from r and returns its header and body, the body in memory of
// its own. A command_length below 16 or above max is a *LengthError, returned without
// waiting for the body. A stream that ends between two PDUs is io.EOF, one that ends
// inside a PDU wraps io.ErrUnexpectedEOF. Memory grows with what the peer has sent, not
// with what it announces.
func ReadPDU(r io.Reader, max uint32) (Header, []byte, error) {
	return ReadPDUInto(r, nil, max)
}

// ReadPDUInto is [ReadPDU] with the body in buf's memory where that is large enough.
func ReadPDUInto(r io.Reader, buf []byte, max uint32) (Header, []byte, error) {
	buf = slices.Grow(buf[:0], HeaderLen)
	if _, err := io.ReadFull(r, buf[:HeaderLen]); err != nil {
		if err == io.EOF {
			return Header{}, nil, io.EOF
		}
		return Header{}, nil, fmt.Errorf("PDU header: %w", err)
	}
	h := ParseHeader(buf[:HeaderLen])
	if h.Length < HeaderLen || h.Length > max {
		return h, nil, &LengthError{Header: h, Max: max}
	}
	body := buf[:0]
	for want := int(h.Length) - HeaderLen; len(body) < want; {
		have := len(body)
		body = slices.Grow(body, min(want-have, firstRead+have))
		body = body[:min(want, cap(body))]
		if _, err := io.ReadFull(r, body[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return h, nil, fmt.Errorf("%s: %w", h.Command, err)
		}
	}
	return h, body, nil
}
