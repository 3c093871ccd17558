package config

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"hnetsmpp/pkg/tomlstrict"
)

// hermesURL demands one where submits go to Hermès. There is no stand-in for a line that got lost.
func (k *checker) hermesURL(mode, url string) {
	switch {
	case url == "" && mode != ModeOpportunity:
		k.add("hermes.url", `is not set, and has no default; give the URL of Hermès, or "simulator" for a stand-in that reaches nobody`)
	case url != "" && url != Simulator:
		k.url("hermes.url", url, `"simulator" or a URL`)
	}
}

func (k *checker) hermes(c *Hermes) {
	k.lasts("hermes.timeout", c.Timeout, oneTick, day)
	k.within("hermes.concurrency", c.Concurrency, 1, 10_000)
	if len(c.Retry) == 0 {
		k.add("hermes.retry", `is empty; it must hold at least one duration, such as ["1s", "5s", "1m"]`)
	}
	for i, wait := range c.Retry {
		k.lasts(tomlstrict.Index("hermes.retry", i), wait, oneTick, 30*day)
	}
	k.lasts("hermes.validity", c.Validity, oneTick, century)
	k.lasts("hermes.reassemble_timeout", c.ReassembleTimeout, oneTick, 30*day)
	if c.StatusURL != "" {
		k.url("hermes.status_url", c.StatusURL, `"" or a URL`)
	}
	k.request(&c.Request)
	k.certificate("hermes.tls", c.TLS.CertFile, c.TLS.KeyFile)
	k.authorities("hermes.tls.ca_file", c.TLS.CAFile)
}

// url never quotes what it was given: a URL may hold a password.
func (k *checker) url(key, value, what string) {
	if what := unseen(value, false); what != "" {
		if what == "a blank" {
			what += " (as part of the address a blank is written %20)"
		}
		k.add(key, "holds %s; take it out", what)
		return
	}
	u, err := url.Parse(value)
	if err == nil && u.Port() != "" {
		if n, portErr := strconv.ParseUint(u.Port(), 10, 16); portErr != nil || n == 0 {
			k.add(key, "its port is %s; it must be from 1 to 65535", u.Port())
			return
		}
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		k.add(key, "must be %s that begins with http:// or https:// and names a host", what)
	}
}

func (k *checker) request(c *Request) {
	if !isHTTPToken(c.Method) || strings.ToUpper(c.Method) != c.Method {
		k.add("hermes.request.method", `is %q; it must be an HTTP method in capitals, such as "POST"`, c.Method)
	}
	if !isHTTPValue(c.ContentType) || c.ContentType == "" {
		k.add("hermes.request.content_type", "is %q; it must be a media type on one line", c.ContentType)
	}
	if _, err := template.New("body").Funcs(template.FuncMap{"json": json.Marshal}).Parse(c.Body); err != nil {
		k.add("hermes.request.body", "is not a valid template: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	if _, err := regexp.Compile(c.SuccessPattern); err != nil {
		k.add("hermes.request.success_pattern", "is not a valid regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	for name, value := range c.Headers {
		key := tomlstrict.Join("hermes.request.headers", name)
		switch canonical := http.CanonicalHeaderKey(name); {
		case !isHTTPToken(name):
			k.add(key, "is not the name of an HTTP header")
		case canonical == "Content-Type":
			k.add(key, "is set by hermes.request.content_type")
		case canonical == "Idempotency-Key" || canonical == "X-Hnet-Signature" || canonical == "Content-Length" || canonical == "Transfer-Encoding":
			k.add(key, "is set by the server itself; take it out")
		case !isHTTPValue(value):
			k.add(key, "its value must be on one line, without control characters")
		}
	}
}

// isHTTPToken is RFC 9110, 5.6.2.
func isHTTPToken(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}

func isHTTPValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
