package session

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

// traces tells whether the log asks for every PDU.
func (s *Session) traces() bool {
	return s.o.Log.GetLevel() <= zerolog.TraceLevel && zerolog.GlobalLevel() <= zerolog.TraceLevel
}

// traceIn writes down a PDU of the peer.
func (s *Session) traceIn(h smpp.Header, body []byte) {
	if s.traces() {
		s.trace("in", h, body)
	}
}

// traceOut writes down what is about to be written: whole PDUs.
func (s *Session) traceOut(out []byte) {
	if !s.traces() {
		return
	}
	for len(out) >= smpp.HeaderLen {
		h := smpp.ParseHeader(out)
		if h.Length < smpp.HeaderLen || int(h.Length) > len(out) {
			return
		}
		s.trace("out", h, out[smpp.HeaderLen:h.Length])
		out = out[h.Length:]
	}
}

// trace is one line: the fields, but for texts, of which it tells the length, and passwords. A body that cannot be read is not
// shown at all, since nobody knows what stands where.
func (s *Session) trace(direction string, h smpp.Header, body []byte) {
	ev := s.o.Log.Trace().Uint64("session", s.o.ID).Str("direction", direction).Stringer("pdu", h.Command).Uint32("length", h.Length).
		Uint32("status", uint32(h.Status)).Uint32("sequence", h.Sequence)
	if p, err := smpp.Decode(h, body); err == nil && len(body) > 0 {
		fields := zerolog.Dict()
		traceFields(fields, reflect.ValueOf(p).Elem())
		ev = ev.Dict("fields", fields)
	}
	ev.Msg("PDU")
}

func traceFields(ev *zerolog.Event, v reflect.Value) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if field.Anonymous {
			traceFields(ev, value)
			continue
		}
		name := snake(field.Name)
		switch x := value.Interface().(type) {
		case smpp.CommandID: // pdu has it
		case smpp.TLVs:
			if len(x) > 0 {
				tlvs := zerolog.Dict()
				for _, t := range x {
					tlvs.Str(t.Tag.String(), tracedTLV(t))
				}
				ev.Dict("tlvs", tlvs)
			}
		case []byte:
			ev.Int(name+"_octets", len(x))
		case string:
			if name != "password" {
				ev.Str(name, x)
			}
		case byte:
			ev.Uint8(name, x)
		case smpp.Address:
			ev.Str(name, fmt.Sprintf("%d/%d/%s", x.TON, x.NPI, x.Addr))
		default:
			if value.Kind() == reflect.Slice {
				ev.Int(name+"_count", value.Len())
			} else {
				ev.Str(name, fmt.Sprint(x))
			}
		}
	}
}

// maxTraced is how much of a TLV is shown.
const maxTraced = 64

// tracedTLV is a TLV's value in hex, but not where there may be a text in it.
func tracedTLV(t smpp.TLV) string {
	switch {
	case t.Tag == smpp.TagMessagePayload, t.Tag == smpp.TagAdditionalStatusInfoText, t.Tag == smpp.TagCallbackNumAtag,
		strings.HasPrefix(t.Tag.String(), "tag "), len(t.Value) > maxTraced:
		return fmt.Sprintf("%d octets", len(t.Value))
	}
	return hex.EncodeToString(t.Value)
}

// snake makes esm_class of ESMClass, and default_msg_id of DefaultMsgID.
func snake(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
