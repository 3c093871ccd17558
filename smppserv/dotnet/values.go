package dotnet

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/config"
)

// oldKey is where a setting of the .NET service goes.
type oldKey struct {
	Name  string // in appSettings
	key   string // in config.toml, as config.Problem names it
	field func(*config.Config) any
}

// Server.ListenParams has no field: TLS needs files that are not here, see listenParams.
var oldKeys = []oldKey{
	{"Mode", "mode", func(c *config.Config) any { return &c.Mode }},
	{"Server.ListenHost", "server.listen_host", func(c *config.Config) any { return &c.Server.ListenHost }},
	{"Server.ListenPort", "server.listen_port", func(c *config.Config) any { return &c.Server.ListenPort }},
	{"Server.SMSCIdentifier", "server.smsc_identifier", func(c *config.Config) any { return &c.Server.SMSCIdentifier }},
	{"Server.KeepAliveInterval", "server.keep_alive_interval", func(c *config.Config) any { return &c.Server.KeepAliveInterval }},
	{"Server.ThrottleRate", "server.throttle_rate", func(c *config.Config) any { return &c.Server.ThrottleRate }},
	{"Server.DisconnectAfterLogout", "server.disconnect_after_logout", func(c *config.Config) any { return &c.Server.DisconnectAfterLogout }},
	{"Server.ListenParams", "server.tls", nil},
	{"Authentication.Login", "clients[0].system_id", func(c *config.Config) any { return &c.Clients[0].SystemID }},
	{"Authentication.Password", "clients[0].password", func(c *config.Config) any { return &c.Clients[0].Password }},
	{"UrlHermes", "hermes.url", func(c *config.Config) any { return &c.Hermes.URL }},
	{"TcpServer.ListenPort", "tcp.listen_port", func(c *config.Config) any { return &c.TCP.ListenPort }},
	{"Job.StatusReport.Interval", "jobs.status_report_interval", func(c *config.Config) any { return &c.Jobs.StatusReportInterval }},
	{"Purge.Messages.Hour", "jobs.purge_messages_hour", func(c *config.Config) any { return &c.Jobs.PurgeMessagesHour }},
}

// set reads the old value into cfg. how says what the old and the new value side by side do not; the error holds neither.
func (k *oldKey) set(cfg *config.Config, value string) (how string, err error) {
	switch field := k.field(cfg).(type) {
	case *time.Duration:
		*field, how, err = readInterval(value, k.Name == "Server.KeepAliveInterval")
	case *int:
		*field, err = strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return "", errors.New("is not a whole number")
		}
		if *field == 0 && strings.HasSuffix(k.key, "port") {
			return "", errors.New("is 0, which here means any free port")
		}
	case *string:
		*field = strings.TrimSpace(value)
		switch k.Name {
		case "Authentication.Login", "Authentication.Password":
			*field = value // blanks count in a bind
		case "Mode":
			*field = strings.ToLower(*field)
		case "Server.ListenHost":
			if *field == "*" || *field == "+" || strings.EqualFold(*field, "any") {
				*field, how = "", "read as every address"
			}
		case "UrlHermes":
			if u, err := url.Parse(*field); err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" {
				how = "used exactly as written; should .../api/sms/push/ be at its end?"
			}
		}
	}
	return how, err
}

func (k *oldKey) reset(cfg *config.Config) {
	def := base()
	reflect.ValueOf(k.field(cfg)).Elem().Set(reflect.ValueOf(k.field(&def)).Elem())
}

// line is the key's line of config.toml.
func (k *oldKey) line(cfg *config.Config) string {
	text := ""
	switch field := k.field(cfg).(type) {
	case *int:
		text = strconv.Itoa(*field)
	case *time.Duration:
		text = quote(strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(field.String()))
	case *string:
		text = quote(*field)
	}
	return k.key[strings.LastIndexByte(k.key, '.')+1:] + " = " + text
}

var (
	timeSpan = regexp.MustCompile(`^(?:(\d{1,5})\.)?([01]?\d|2[0-3]):([0-5]?\d)(?::([0-5]?\d(?:\.\d{1,7})?))?$`)
	units    = strings.NewReplacer("milliseconds", "ms", "millisecond", "ms", "msec", "ms", "seconds", "s", "secondes", "s", "second", "s",
		"seconde", "s", "sec", "s", "minutes", "m", "minute", "m", "min", "m", "hours", "h", "hour", "h", "heures", "h", "heure", "h", ",", ".", " ", "")
)

// readInterval reads a time whose unit nobody wrote down. A small one makes sense in seconds only, a large one in
// milliseconds only; a keep-alive may have some hours, the others a few minutes.
func readInterval(value string, keepAlive bool) (d time.Duration, how string, err error) {
	limit := 1000.0
	if keepAlive {
		limit = 10_000
	}
	text := units.Replace(strings.ToLower(strings.TrimSpace(value)))
	if parts := timeSpan.FindStringSubmatch(text); parts != nil {
		days, _ := strconv.Atoi(parts[1])
		hours, _ := strconv.Atoi(parts[2])
		text, how = fmt.Sprintf("%dh%sm0%ss", 24*days+hours, parts[3], parts[4]), "read as [days.]hours:minutes[:seconds]"
	} else if n, err := strconv.ParseFloat(text, 64); err == nil && n < limit {
		text, how = text+"s", "read as seconds"
	} else if err == nil {
		text, how = text+"ms", "read as milliseconds"
	}
	if d, err = time.ParseDuration(text); err != nil {
		err = errors.New("is not a number of seconds or milliseconds, nor a TimeSpan such as 00:10:00")
	}
	return d, how, err
}

var listenKeys = []struct {
	key     string
	pattern *regexp.Regexp
	none    string // what stands where it is not named
}{
	{"listen_port", listenKey(`(listen|tls|ssl)?[._-]?port`, `0*([1-9]\d{0,4})`), "2347"},
	{"cert_file", listenKey(`cert(ificate)?[._-]?(file|path)?`, `([^;,]+)`), ""},
	{"key_file", listenKey(`(private[._-]?)?key[._-]?(file|path)?`, `([^;,]+)`), ""},
	{"client_ca_file", listenKey(`(client[._-]?)?ca[._-]?(file|path)?`, `([^;,]+)`), ""},
}

func listenKey(name, value string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[;,])\s*` + strings.ReplaceAll(name, "(", "(?:") + `\s*=\s*` + value + `\s*(?:[;,]|$)`)
}

// listenParams finds what [server.tls] has in a form that nobody wrote down, such as
// "port=2347;cert=server.pem;key=server.key". nil = nothing of it.
func listenParams(value string) []string {
	var lines []string
	found := false
	for _, k := range listenKeys {
		text := k.none
		if parts := k.pattern.FindStringSubmatch(value); parts != nil && !secretValue.MatchString(parts[1]) {
			text, found = strings.Trim(parts[1], `"' `), true
		}
		if k.key != "listen_port" {
			text = quote(text)
		}
		lines = append(lines, k.key+" = "+text)
	}
	if !found {
		return nil
	}
	return lines
}
