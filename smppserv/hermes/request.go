package hermes

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"hnetsmpp/smppserv/sms"
)

// Fields is what a template of hermes.request.body is filled in with; the built-in body has the same, in lower case.
// The function json writes any of them as JSON: {"sender":{{json .From}},"message":{{json .Text}}}.
type Fields struct {
	ID         string   // of the message, or the lowest of its parts'
	Key        string   // the Idempotency-Key: the same at every try, and of no other message
	From       string   // the number that wrote
	To         string   // the campaign number
	Text       string   // "" for binary messages
	ReceivedAt Time     // of the first part
	Client     string   // the system_id that submitted it
	Encoding   string   // the name of the alphabet that the text came in, "mixed" when its parts came in several
	Parts      int      // that the text came in, and are here
	Incomplete bool     // parts are missing
	Data       string   // base64, of binary messages only
	PartIDs    []string // the message ids of the parts, when there are several
}

// Time is a time that is written in UTC with milliseconds: 2026-11-23T10:00:00.000Z.
// A template has all methods of time.Time too: {{.ReceivedAt.Format "02/01/2006"}}, {{.ReceivedAt.Unix}}.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z"

func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"`+timeLayout+`"`), nil
}

// request is what one try sends.
type request struct {
	to      *target
	key     string // Idempotency-Key, opaque to Hermès
	body    []byte
	sum     string // X-Hnet-Signature, "" = none
	pattern *success
}

// reasonNoURL is why a message waits where there is no Hermès. It never goes to the stand-in instead.
const reasonNoURL = "hermes.url is not set"

// request makes the request of a try. When it cannot, the outcome says why.
func (t *try) request() (r request, o sms.Outcome, ok bool) {
	s, m := t.settings, t.messages[0]
	switch {
	case !t.isStatus() && s.push == nil:
		t.push.noURL.Do(func() {
			t.push.log.Warn().Msg(reasonNoURL + ": messages for Hermès wait until it is, or their validity ends")
		})
		return r, sms.Outcome{Verdict: sms.TryAgain, Reason: reasonNoURL}, false
	case !t.isStatus():
		f, binary := t.fields()
		r = request{to: s.push, key: f.Key, pattern: s.pattern}
		if s.body == nil {
			r.body = appendPush(make([]byte, 0, 256+len(f.Text)+len(f.Text)/8+len(f.Data)), &f, binary)
			break
		}
		var b bytes.Buffer
		if err := s.body.Execute(&b, &f); err != nil {
			// Not the fault of the message: it waits for the operator to mend the template.
			where, _, _ := strings.Cut(err.Error(), ": executing")
			return r, sms.Outcome{Verdict: sms.TryAgain, Reason: "hermes.request.body cannot be filled in (" + where + ")"}, false
		}
		r.body = b.Bytes()
	case s.status == nil:
		return r, sms.Outcome{Verdict: sms.Failed, Reason: "hermes.status_url is not set"}, false
	case m.Kind == sms.KindText:
		f, _ := t.fields()
		r = request{to: s.status, key: "status-" + f.Key, body: appendAck(nil, m, &f)}
	case m.Receipt == nil:
		return r, sms.Outcome{Verdict: sms.Failed, Reason: "a receipt that says nothing"}, false
	default:
		r = request{to: s.status, key: "status-" + m.Key(), body: appendStatus(nil, m.Receipt)}
	}
	if s.signers != nil {
		r.sum = s.sign(r.body)
	}
	return r, o, true
}

// newSigners makes HMACs of the secret, for use again and again; nil = there is none.
func newSigners(secret string) *sync.Pool {
	if secret == "" {
		return nil
	}
	return &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(secret)) }}
}

func (s *settings) sign(body []byte) string {
	h := s.signers.Get().(hash.Hash)
	defer s.signers.Put(h)
	h.Reset()
	h.Write(body)
	var sum [sha256.Size]byte
	var b [len("sha256=") + 2*sha256.Size]byte
	return string(hex.AppendEncode(append(b[:0], "sha256="...), h.Sum(sum[:0])))
}

func (r *request) http(ctx context.Context) *http.Request {
	header := maps.Clone(r.to.model.Header)
	header["Idempotency-Key"] = []string{r.key}
	if r.sum != "" {
		header["X-Hnet-Signature"] = []string{r.sum}
	}
	q := r.to.model.WithContext(ctx)
	// net/http knows that this reader holds all of it, and writes it with the header in one go. It is never nil or http.NoBody, not even
	// for GET: else net/http would send it a second time by itself, without asking for it (http.Request.isReplayable).
	q.Header, q.Body, q.ContentLength = header, io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	return q
}

func (t *try) fields() (f Fields, binary bool) {
	first := t.messages[0]
	text := t.push.text(t.messages)
	lowest := first
	if len(t.messages) > 1 {
		f.PartIDs = make([]string, len(t.messages))
		for i, m := range t.messages {
			if m.ID < lowest.ID {
				lowest = m
			}
			f.PartIDs[i] = m.ID.String()
		}
	}
	f.ID, f.Key = lowest.ID.String(), lowest.Key()
	f.From, f.To, f.Client = first.Source.Text(), first.Dest.Text(), first.Submitter
	f.ReceivedAt, f.Encoding, f.Parts, f.Incomplete = Time{first.ReceivedAt}, text.Encoding, len(t.messages), t.incomplete
	if binary = text.Data != nil; binary {
		f.Data = base64.StdEncoding.EncodeToString(text.Data)
	} else {
		f.Text = text.Text
	}
	return f, binary
}

// appendPush writes the built-in body.
func appendPush(b []byte, f *Fields, binary bool) []byte {
	b = appendString(append(b, `{"id":`...), f.ID)
	b = appendString(append(b, `,"from":`...), f.From)
	b = appendString(append(b, `,"to":`...), f.To)
	if binary {
		b = appendString(append(b, `,"data":`...), f.Data)
	} else {
		b = appendString(append(b, `,"text":`...), f.Text)
	}
	b = f.ReceivedAt.UTC().AppendFormat(append(b, `,"receivedAt":"`...), timeLayout)
	b = appendString(append(b, `","client":`...), f.Client)
	b = appendString(append(b, `,"encoding":`...), f.Encoding)
	b = strconv.AppendInt(append(b, `,"parts":`...), int64(f.Parts), 10)
	b = strconv.AppendBool(append(b, `,"incomplete":`...), f.Incomplete)
	for i, id := range f.PartIDs {
		if i == 0 {
			b = append(b, `,"partIds":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendString(b, id)
	}
	if len(f.PartIDs) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendStatus writes what became of a message from Hermès.
func appendStatus(b []byte, r *sms.Receipt) []byte {
	b = append(b, '{')
	if r.ExternalID != "" {
		b = append(appendString(append(b, `"id":`...), r.ExternalID), ',')
	}
	b = appendString(append(b, `"message_id":`...), r.Of.String())
	b = appendString(append(b, `,"state":`...), r.State.String())
	b = strconv.AppendInt(append(b, `,"error":`...), int64(r.Error), 10)
	b = r.DoneAt.UTC().AppendFormat(append(b, `,"at":"`...), time.RFC3339)
	return append(b, `"}`...)
}

// appendAck writes that a person or a device acknowledged a message from Hermès (SMPP 3.4, 2.11).
func appendAck(b []byte, m *sms.Message, f *Fields) []byte {
	b = appendString(append(b, `{"message_id":`...), f.ID)
	b = appendString(append(b, `,"state":`...), m.AckName())
	b = appendString(append(b, `,"error":0,"from":`...), f.From)
	b = appendString(append(b, `,"to":`...), f.To)
	b = appendString(append(b, `,"text":`...), f.Text)
	b = appendString(append(b, `,"client":`...), f.Client)
	b = m.ReceivedAt.UTC().AppendFormat(append(b, `,"at":"`...), time.RFC3339)
	return append(b, `"}`...)
}

// parseBody makes a template and fills it in once, so that a field that does not exist is found now.
func parseBody(body string) (*template.Template, error) {
	t, err := template.New("body").Funcs(template.FuncMap{"json": templateJSON}).Parse(body)
	if err != nil {
		return nil, fmt.Errorf("hermes.request.body: %w", err)
	}
	sample := Fields{ID: "1042", Key: "1042-mwu1i19c", From: "33612345678", To: "3600", Text: "text", ReceivedAt: Time{time.Now()}, Client: "admin",
		Encoding: "gsm7", Parts: 2, Data: "AA==", PartIDs: []string{"1042", "1043"}}
	if err := t.Execute(&bytes.Buffer{}, &sample); err != nil {
		return nil, fmt.Errorf("hermes.request.body: %w", err)
	}
	return t, nil
}

func templateJSON(v any) (string, error) {
	if s, ok := v.(string); ok {
		return string(appendString(nil, s)), nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
