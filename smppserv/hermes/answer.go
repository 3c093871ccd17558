package hermes

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// usualAnswer reads what nearly every answer is: a 2xx that tells the length of its body, and whose header has come. Any other is nil
// and for net/http, and nothing of it is read. It has no Header, of which a 2xx has nothing that would decide. It is valid until the
// next one.
type usualAnswer struct {
	response http.Response
	body     sizedBody
}

func (u *usualAnswer) read(r *bufio.Reader) (*http.Response, error) {
	if _, err := r.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // as net/http says it
		}
		return nil, err
	}
	here, _ := r.Peek(r.Buffered())
	code, length, size, ok := usualHeader(here)
	if !ok {
		return nil, nil
	}
	_, _ = r.Discard(size)
	u.body = sizedBody{r, length}
	u.response = http.Response{StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, ContentLength: length, Body: &u.body}
	if length == 0 {
		u.response.Body = http.NoBody
	}
	return &u.response, nil
}

// usualHeader reads the header of a usual answer, which is so many octets long; length is the body's.
func usualHeader(b []byte) (code int, length int64, size int, ok bool) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	const first = "HTTP/1.1 2xx"
	if end < len(first) || string(b[:len(first)-2]) != first[:len(first)-2] {
		return 0, 0, 0, false
	}
	line, fields, _ := bytes.Cut(b[:end], []byte("\r\n"))
	code, err := strconv.Atoi(string(line[len(first)-3 : len(first)]))
	if err != nil || code < 200 || code == http.StatusNoContent || len(line) > len(first) && line[len(first)] != ' ' || !plainText(line) {
		return 0, 0, 0, false
	}
	length = -1
	for more := true; more; {
		line, fields, more = cutLine(fields)
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !plainName(name) || !plainText(value) {
			return 0, 0, 0, false
		}
		value = bytes.Trim(value, " \t")
		switch {
		case is(name, "Content-Length"):
			if length >= 0 || len(value) == 0 || len(value) > 9 {
				return 0, 0, 0, false
			}
			length = 0
			for _, c := range value {
				if c < '0' || c > '9' {
					return 0, 0, 0, false
				}
				length = 10*length + int64(c-'0')
			}
		case is(name, "Connection"):
			if !is(value, "keep-alive") {
				return 0, 0, 0, false
			}
		case is(name, "Transfer-Encoding"), is(name, "Trailer"), is(name, "Upgrade"):
			return 0, 0, 0, false
		}
	}
	return code, length, end + 4, length >= 0
}

func cutLine(b []byte) (line, rest []byte, more bool) { return bytes.Cut(b, []byte("\r\n")) }

func is(b []byte, s string) bool { return len(b) == len(s) && bytes.EqualFold(b, []byte(s)) }

// plainName tells whether nobody could read the name of a field in another way.
func plainName(name []byte) bool {
	for _, c := range name {
		if c != '-' && !alphanumeric(rune(c)) {
			return false
		}
	}
	return len(name) > 0
}

func plainText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// sizedBody is so many octets.
type sizedBody struct {
	r    *bufio.Reader
	left int64
}

func (b *sizedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		err = io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *sizedBody) Close() error { return nil }
