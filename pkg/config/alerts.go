package config

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/tomlstrict"
)

// Alert is somebody who is told when something needs attention.
type Alert struct {
	When        string   `toml:"when" required:"true"` // WhenHermesSilent, …
	Limit       Limit    `toml:"limit" required:"true"`
	Client      string   `toml:"client"`  // "" = any
	Webhook     string   `toml:"webhook"` // an address, which may hold a secret; "" = none
	WebhookFile string   `toml:"webhook_file"`
	Email       []string `toml:"email"`
}

// The values of when.
const (
	WhenHermesSilent  = "hermes_silent"
	WhenClientUnbound = "client_unbound"
	WhenOldestWaiting = "oldest_waiting"
	WhenWaiting       = "waiting"
	WhenDiskFree      = "disk_free"
)

// Limit is a duration, a number or a size, as the file has it.
type Limit string

// SetValue is for tomlstrict.
func (l *Limit) SetValue(value any) error {
	switch v := value.(type) {
	case string:
		*l = Limit(v)
	case int64:
		*l = Limit(strconv.FormatInt(v, 10))
	default:
		return errors.New(`must be a duration ("10m") or a size ("5GB") in quotes, or a whole number without`)
	}
	return nil
}

var errNoDuration = errors.New(`it must be a duration, such as "10m"`)

// Duration is the limit of what lasts; it is at least a second.
func (l Limit) Duration() (time.Duration, error) {
	d, err := time.ParseDuration(string(l))
	if err != nil || d < time.Second || d > century {
		return 0, errNoDuration
	}
	return d, nil
}

var errNoNumber = errors.New("it must be a whole number, such as 5000")

// Number is the limit of what is counted.
func (l Limit) Number() (int, error) {
	n, err := strconv.Atoi(string(l))
	if err != nil || n < 0 {
		return 0, errNoNumber
	}
	return n, nil
}

var errNoSize = errors.New(`it must be a size, such as "5GB" or "500MB"`)

// Octets is the limit of a size. Units are powers of 1024, as Windows shows them; a number alone is octets.
func (l Limit) Octets() (int64, error) {
	text, unit := strings.TrimSpace(string(l)), int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}} {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/unit {
		return 0, errNoSize
	}
	return n * unit, nil
}

// Mail is the server that mails are handed to.
type Mail struct {
	Server       string `toml:"server"` // "" = none
	Port         int    `toml:"port"`
	User         string `toml:"user"` // "" = the server asks nobody
	Password     string `toml:"password"`
	PasswordFile string `toml:"password_file"`
	From         string `toml:"from"`
	TLS          string `toml:"tls"` // MailSTARTTLS, MailTLS, MailPlain
}

// The values of mail.tls.
const (
	MailSTARTTLS = "starttls"
	MailTLS      = "tls"
	MailPlain    = "none"
)

// maxAlerts bounds what is looked at every few seconds.
const maxAlerts = 100

func (k *checker) alerts(c *Config) {
	if len(c.Alerts) > maxAlerts {
		k.add("alerts", "are %d; at most %d are allowed", len(c.Alerts), maxAlerts)
	}
	for i := range c.Alerts {
		a, key := &c.Alerts[i], tomlstrict.Index("alerts", i)
		var err error
		switch a.When {
		case WhenHermesSilent, WhenClientUnbound, WhenOldestWaiting:
			_, err = a.Limit.Duration()
		case WhenWaiting:
			_, err = a.Limit.Number()
		case WhenDiskFree:
			_, err = a.Limit.Octets()
		default:
			k.oneOf(key+".when", a.When, WhenHermesSilent, WhenClientUnbound, WhenOldestWaiting, WhenWaiting, WhenDiskFree)
		}
		if err != nil {
			k.add(key+".limit", "is %q; %s", string(a.Limit), err)
		}
		k.alertClient(c, key+".client", a)
		if a.Webhook == "" && len(a.Email) == 0 {
			k.add(key+".webhook", "is not set, nor is email: nobody would be told; set one of them")
		}
		if a.Webhook != "" {
			if err := webhookProblem(a.Webhook); err != "" {
				k.add(key+".webhook", "%s", err)
			}
		}
		for j, to := range a.Email {
			k.mailAddress(tomlstrict.Index(key+".email", j), to)
		}
		if len(a.Email) > 0 && c.Mail.Server == "" {
			k.add(key+".email", "needs a server that sends it: set mail.server and mail.from")
		}
	}
}

func (k *checker) alertClient(c *Config, key string, a *Alert) {
	waits := a.When == WhenOldestWaiting || a.When == WhenWaiting
	switch {
	case a.Client == "", waits && a.Client == "hermes":
	case !waits && a.When != WhenClientUnbound:
		k.add(key, "is set, but %s is about no client; take it out", a.When)
	case !slices.ContainsFunc(c.Clients, func(one Client) bool { return one.SystemID == a.Client }):
		k.add(key, "%q is the system_id of no client", a.Client)
	}
}

// webhookProblem does not quote the address: it may hold a secret.
func webhookProblem(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return `must be an address that begins with https:// or http://`
	case unseen(address, false) != "":
		return fmt.Sprintf("holds %s; take it out", unseen(address, false))
	}
	return ""
}

func (k *checker) mailAddress(key, address string) {
	if a, err := mail.ParseAddress(address); err != nil || unseen(address, true) != "" {
		k.add(key, `is %q; it must be a mail address, such as "ops@example.com"`, address)
	} else if a.Address != address && a.Name == "" {
		k.add(key, "is %q; write %q", address, a.Address)
	}
}

func (k *checker) mail(c *Config) {
	m := &c.Mail
	k.oneOf("mail.tls", m.TLS, MailSTARTTLS, MailTLS, MailPlain)
	k.within("mail.port", m.Port, 1, 65535)
	if strings.ContainsAny(m.Server, ":/[]@") && strings.Count(m.Server, ":") < 2 || unseen(m.Server, false) != "" {
		k.add("mail.server", "is %q; it must be a name or an address alone (the port has its own key)", m.Server)
	}
	if m.From != "" {
		k.mailAddress("mail.from", m.From)
	} else if m.Server != "" {
		k.add("mail.from", "is empty; it must be the address that the mails come from")
	}
	if m.User != "" && m.Password == "" {
		k.add("mail.password", "is empty, and mail.user is set: set both or neither")
	}
	if m.User != "" && m.TLS == MailPlain {
		k.add("mail.tls", `is "none", and mail.user is set: the password would cross the network in the clear; set "starttls" or "tls"`)
	}
}
