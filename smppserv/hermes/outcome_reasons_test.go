package hermes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

func TestTheReasonTellsFromWhereOnHermesWasNotReached(t *testing.T) {
	s := &settings{timeout: 3 * time.Second}
	cause := errors.New(`the cause: "secret"`)
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: cause}, "no connection: the cause"},
		{&net.OpError{Op: "proxyconnect", Err: cause}, "no connection: the cause"},
		{&net.OpError{Op: "read", Err: cause}, "the connection broke: the cause"},
		{cause, "the connection broke: the cause"},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "no connection within 3s"},
		{&net.OpError{Op: "proxyconnect", Err: os.ErrDeadlineExceeded}, "no connection within 3s"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "no answer within 3s"},
		{context.DeadlineExceeded, "no answer within 3s"},
		{io.ErrUnexpectedEOF, "the connection was closed before the answer"},
		{errors.New(strings.Repeat("é", 200)), "the connection broke: " + strings.Repeat("é", (maxReason-len("the connection broke: "))/2)},
	} {
		if got := s.noAnswer(c.err); got != (sms.Outcome{Verdict: sms.TryAgain, Reason: c.want}) {
			t.Errorf("%v: %+v, want %s", c.err, got, c.want)
		}
	}
}

// broken is the body of an answer that breaks off.
type broken struct{ io.Reader }

func (broken) Close() error { return nil }

func TestABodyThatMustMatchAndBreaksOffIsTriedAgain(t *testing.T) {
	o := options("http://hermes/")
	o.SuccessPattern = "ok, and all of it"
	o.Transport = transportOf(func() *http.Response {
		body := io.MultiReader(strings.NewReader("ok, but"), brokenReader{})
		return &http.Response{StatusCode: 200, Body: broken{body}}
	})
	want := sms.Outcome{Verdict: sms.TryAgain, Code: 200, Reason: "HTTP 200 OK, but its body did not come: the connection was closed before the answer"}
	if got := deliver(t, newPush(t, o), message(1, "hi")); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// transportOf is a transport that answers so.
type transportOf func() *http.Response

func (a transportOf) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }

func TestOnlySoMuchOfABodyIsLookedAt(t *testing.T) {
	for octets, want := range map[int]sms.Verdict{maxAnswer: sms.Done, maxAnswer + 1: sms.Failed} {
		o := options("http://hermes/")
		o.SuccessPattern = "ok$"
		o.Transport = transportOf(func() *http.Response {
			body := append(bytes.Repeat([]byte(" "), octets-2), "ok"...)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(body))}
		})
		if got := deliver(t, newPush(t, o), message(1, "hi")); got.Verdict != want {
			t.Errorf("%d octets: %+v", octets, got)
		}
	}
}
