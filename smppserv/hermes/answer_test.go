package hermes

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var rawAnswers = []string{
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 30 Nov 2026 10:00:00 GMT\r\nContent-Length: 16\r\n\r\n{\"success\":true}",
	"HTTP/1.1 200 OK\r\ncontent-length:0\r\nConnection: Keep-Alive\r\n\r\n",
	"HTTP/1.1 202 Accepted\r\nServer: Microsoft-IIS/10.0\r\nX-Powered-By: ASP.NET\r\nContent-Length: 2 \r\n\r\nokHTTP/1.1 500 X\r\n\r\n",
	"HTTP/1.1 299\r\nContent-Length: 3\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nends too early",
	"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
	"HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\n\r\nuntil the end",
	"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 2x0 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\nbusy",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"",
}

func FuzzAnswer(f *testing.F) {
	for _, raw := range rawAnswers {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) { sameAsNetHTTP(t, raw) })
}

// sameAsNetHTTP reads an answer in both ways, and tells whether the usual one could.
func sameAsNetHTTP(t *testing.T, raw string) bool {
	t.Helper()
	model, _ := http.NewRequest(http.MethodPost, "http://hermes/", nil)
	ours, theirs := bufio.NewReader(strings.NewReader(raw)), bufio.NewReader(strings.NewReader(raw))
	var u usualAnswer
	got, gotErr := u.read(ours)
	want, wantErr := http.ReadResponse(theirs, model)
	if got == nil && gotErr == nil {
		if rest, _ := io.ReadAll(ours); string(rest) != raw {
			t.Errorf("%q: of what is net/http's, %q is left", raw, rest)
		}
		return false
	}
	if gotErr != nil || wantErr != nil {
		if gotErr != wantErr {
			t.Errorf("%q: %v, net/http says %v", raw, gotErr, wantErr)
		}
		return gotErr == nil
	}
	gotBody, gotErr := io.ReadAll(got.Body)
	wantBody, wantErr := io.ReadAll(want.Body)
	if got.StatusCode != want.StatusCode || got.ContentLength != want.ContentLength || got.Close != want.Close ||
		string(gotBody) != string(wantBody) || gotErr != wantErr || (got.Body == http.NoBody) != (want.Body == http.NoBody) {
		t.Errorf("%q: %+v %q %v, net/http says %+v %q %v", raw, got, gotBody, gotErr, want, wantBody, wantErr)
	}
	gotRest, _ := io.ReadAll(ours)
	wantRest, _ := io.ReadAll(theirs)
	if string(gotRest) != string(wantRest) {
		t.Errorf("%q: %q is left, by net/http %q", raw, gotRest, wantRest)
	}
	return true
}

func TestAUsualAnswerIsReadAsNetHTTPReadsItAndAnyOtherIsLeft(t *testing.T) {
	for i, raw := range rawAnswers {
		if usual := sameAsNetHTTP(t, raw); usual != (i < 5) {
			t.Errorf("%q is usual: %v", raw, usual)
		}
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	pieces := []string{"\r\n", "\n", "\r", ":", " ", "\t", "\x00", "\x80", "0", "9", "Content-Length: 3\r\n", "Connection: close\r\n", "Transfer-Encoding: chunked\r\n", "\r\n\r\n", ","}
	for range 20_000 {
		raw := rawAnswers[r.IntN(len(rawAnswers)-1)]
		for range 1 + r.IntN(3) {
			at := r.IntN(len(raw))
			raw = raw[:at] + pieces[r.IntN(len(pieces))] + raw[min(len(raw), at+r.IntN(3)):]
		}
		if sameAsNetHTTP(t, raw); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestAnAnswerWhoseHeaderComesInPiecesIsLeft(t *testing.T) {
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(rawAnswers[0])))
	var u usualAnswer
	if a, err := u.read(r); a != nil || err != nil {
		t.Fatalf("%v, %v", a, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != rawAnswers[0] {
		t.Errorf("%q is left", rest)
	}
}
