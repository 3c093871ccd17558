package smpp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"hnetsmpp/pkg/smpp"
)

func TestReadPDUTakesOnePDUAfterTheOther(t *testing.T) {
	stream := append(octets(t, s0), octets(t, e0)...)
	stream = append(stream, octets(t, bTRX)...)
	readers := map[string]io.Reader{
		"HDR-14 in one write":     bytes.NewReader(stream),
		"HDR-13 octet by octet":   iotest.OneByteReader(bytes.NewReader(stream)),
		"HDR-13 in halves":        iotest.HalfReader(bytes.NewReader(stream)),
		"end of file with octets": iotest.DataErrReader(bytes.NewReader(stream)),
	}
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			var got []byte
			for {
				h, body, err := smpp.ReadPDU(r, smpp.MaxPDU)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if int(h.Length) != smpp.HeaderLen+len(body) {
					t.Fatalf("%s: body of %d octets", h.Command, len(body))
				}
				got = append(h.Append(got), body...)
			}
			if !bytes.Equal(got, stream) {
				t.Errorf("read\n% x, want\n% x", got, stream)
			}
		})
	}
}

func TestALengthThatCannotBeIsRefusedWithoutItsBody(t *testing.T) {
	const max = 1000
	for _, length := range []uint32{0, 4, 8, 12, 15, max + 1, 0x7FFFFFFF, 0xFFFFFFFF} { // HDR-02, HDR-03
		header := smpp.Header{Length: length, Command: smpp.CmdSubmitSM, Sequence: 0x21}
		r := io.MultiReader(bytes.NewReader(header.Append(nil)), iotest.ErrReader(errors.New("read on")))
		h, body, err := smpp.ReadPDU(r, max)
		var le *smpp.LengthError
		if !errors.As(err, &le) || le.Header != header || h != header || body != nil {
			t.Errorf("length %d: %+v, %v", length, h, err)
		}
		if !errors.Is(err, smpp.RINVCMDLEN) {
			t.Errorf("length %d: %v is not RINVCMDLEN", length, err)
		}
	}
}

func TestTheLongestPDUIsRead(t *testing.T) {
	raw := append(smpp.Header{Length: smpp.MaxPDU, Command: smpp.CmdSubmitSM}.Append(nil), make([]byte, smpp.MaxPDU-smpp.HeaderLen)...)
	if _, body, err := smpp.ReadPDU(bytes.NewReader(raw), smpp.MaxPDU); err != nil || len(body) != smpp.MaxPDU-smpp.HeaderLen { // HDR-04
		t.Errorf("body of %d octets, %v", len(body), err)
	}
}

func TestAPDUThatIsCutIsAnUnexpectedEnd(t *testing.T) {
	raw := octets(t, s0)
	for n := range raw {
		_, _, err := smpp.ReadPDU(bytes.NewReader(raw[:n]), smpp.MaxPDU)
		switch {
		case n == 0 && err != io.EOF:
			t.Errorf("nothing: %v", err)
		case n > 0 && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Errorf("%d octets: %v", n, err)
		case n >= smpp.HeaderLen && !strings.HasPrefix(err.Error(), "submit_sm: "):
			t.Errorf("%d octets: %v does not name the command", n, err)
		}
	}
}

func TestABodyThatIsOnlyAnnouncedTakesNoMemory(t *testing.T) {
	header := smpp.Header{Length: smpp.MaxPDU, Command: smpp.CmdSubmitSM}.Append(nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		smpp.ReadPDU(bytes.NewReader(header), smpp.MaxPDU)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 1000; each > 16<<10 {
		t.Errorf("%d octets for each", each)
	}
}

func TestReadPDUIntoUsesTheMemoryItIsGiven(t *testing.T) {
	buf := make([]byte, 0, 512)
	r := bytes.NewReader(append(octets(t, s0), octets(t, bTX)...))
	for range 2 {
		_, body, err := smpp.ReadPDUInto(r, buf, smpp.MaxPDU)
		if err != nil {
			t.Fatal(err)
		}
		if &body[0] != &buf[:1][0] {
			t.Error("the body is elsewhere")
		}
	}
}

func TestAHeaderIsFourBigEndianIntegers(t *testing.T) {
	h := smpp.Header{Length: 1, Command: 2, Status: 3, Sequence: 4}
	raw := h.Append(nil)
	for i := range 4 {
		if got := binary.BigEndian.Uint32(raw[4*i:]); got != uint32(i+1) {
			t.Errorf("integer %d is %d", i, got)
		}
	}
	if smpp.ParseHeader(raw) != h {
		t.Errorf("parsed %+v", smpp.ParseHeader(raw))
	}
	if got := smpp.ParseHeader(raw[:15]); got != (smpp.Header{}) {
		t.Errorf("15 octets are %+v", got)
	}
}
