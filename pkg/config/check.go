package config

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/tomlstrict"
)

// Validate judges the values; its error is an *Error. Load has done it already.
// It looks at the certificate files, so their paths must be right from here.
func (c *Config) Validate() error {
	if problems := c.check(); len(problems) > 0 {
		return &Error{Problems: problems}
	}
	return nil
}

func (c *Config) check() []Problem {
	k := &checker{}
	k.oneOf("mode", c.Mode, ModeVocalcom, ModeOpportunity)
	k.server(&c.Server)
	k.clients(c.Clients)
	k.distributionLists(c.DistributionLists)
	k.cannedMessages(c.CannedMessages)
	k.serviceTypes(c.ServiceTypes)
	k.hermesURL(c.Mode, c.Hermes.URL)
	k.hermes(&c.Hermes)
	k.tcp(&c.TCP)
	k.jobs(&c.Jobs)
	k.store(&c.Store)
	k.admin(&c.Admin)
	k.alerts(c)
	k.mail(c)
	k.oneOf("log.level", c.Log.Level, "trace", "debug", "info", "warn", "error")
	k.launcher(&c.Launcher)
	k.ports(c)
	k.paths(c)
	return k.problems
}

type checker struct{ problems []Problem }

func (k *checker) add(key, format string, args ...any) {
	k.problems = append(k.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (k *checker) within(key string, value, low, high int) {
	if value < low || value > high {
		k.add(key, "is %d; it must be from %d to %d", value, low, high)
	}
}

func (k *checker) port(key string, value int) { k.within(key, value, 0, 65535) }

const (
	noTime  = time.Duration(0)
	oneTick = time.Millisecond
	day     = 24 * time.Hour
	century = 100 * 365 * day
)

func (k *checker) lasts(key string, value, low, high Duration) {
	switch {
	case value < low && low == oneTick:
		k.add(key, "is %s; it must be more than 0s", value)
	case value < low:
		k.add(key, "is %s; it must be at least %s", value, low)
	case value > high:
		k.add(key, "is %s; it must be at most %s", value, high)
	}
}

func (k *checker) oneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	k.add(key, "is %q; it must be %s", value, orList(quoted))
}

func (k *checker) eachOneOf(key string, values []string, allowed ...string) {
	for i, value := range values {
		k.oneOf(tomlstrict.Index(key, i), value, allowed...)
	}
}

func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// host is an address or a name to listen on, without port or brackets.
func (k *checker) host(key, value string) {
	if value != "" && !isHost(value) {
		k.add(key, `is %q; it must be an IP address or a host name alone (the port has its own key), or "" for every address`, value)
	}
}

// isHost reports whether a text can be an address or the name of a host: letters, digits, dots, hyphens and, as some networks
// have them, underscores; what has digits and dots alone must be an address.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	letter := false
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_':
			letter = true
		case r != '.' && (r < '0' || r > '9'):
			return false
		}
	}
	return letter
}

func (k *checker) networks(key string, values []string) {
	for i, value := range values {
		if _, err := netip.ParsePrefix(value); err == nil {
			continue
		}
		if addr, err := netip.ParseAddr(value); err == nil {
			k.add(tomlstrict.Index(key, i), "%q is an address; as a network it is written %q", value, fmt.Sprintf("%s/%d", addr, addr.BitLen()))
			continue
		}
		k.add(tomlstrict.Index(key, i), `%q is not a network such as "10.1.0.0/16", "10.1.2.3/32" or "fd00::/8"`, value)
	}
}

// wholeNetworks finds what is a network by its form only: whose connections are trusted must be plain to read.
func (k *checker) wholeNetworks(key string, values []string) {
	for i, value := range values {
		switch network, err := netip.ParsePrefix(value); {
		case err != nil: // said already
		case network.Addr().Is4In6():
			k.add(tomlstrict.Index(key, i), "%q is IPv4 written as IPv6, which no connection comes from; write it as IPv4", value)
		case network != network.Masked():
			k.add(tomlstrict.Index(key, i), "%q is an address within a network; the network is %q, the address alone %q", value,
				network.Masked(), fmt.Sprintf("%s/%d", network.Addr(), network.Addr().BitLen()))
		}
	}
}

func (k *checker) tcp(c *TCP) {
	k.host("tcp.listen_host", c.ListenHost)
	k.port("tcp.listen_port", c.ListenPort)
	k.networks("tcp.allow", c.Allow)
	k.portTLS("tcp.tls", &c.TLS)
}

func (k *checker) jobs(c *Jobs) {
	k.lasts("jobs.status_report_interval", c.StatusReportInterval, oneTick, day)
	k.within("jobs.purge_messages_hour", c.PurgeMessagesHour, -1, 23)
	k.lasts("jobs.retention", c.Retention, oneTick, century)
}

func isSQLiteURI(dsn string) bool { return dsn == ":memory:" || strings.HasPrefix(dsn, "file:") }

// isOfPostgres tells what is meant for PostgreSQL, and may hold a password, from the path of a file whose name has a =.
func isOfPostgres(dsn string) bool {
	key, _, _ := strings.Cut(strings.TrimSpace(dsn), "=")
	switch strings.TrimSpace(key) {
	case "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "service", "sslmode", "target_session_attrs":
		return true
	}
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// isPostgresDSN tells a URL or key=value words from the path of a file.
func isPostgresDSN(dsn string) bool {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if strings.HasPrefix(dsn, scheme) {
			return len(dsn) > len(scheme)
		}
	}
	key, _, ok := strings.Cut(strings.TrimSpace(dsn), "=")
	return ok && !strings.ContainsAny(key, `/\ `) && key != ""
}

// maxNode bounds the name of a worker: PostgreSQL keeps that much of a connection's name, with the epoch.
const maxNode = 40

func (k *checker) store(c *Store) {
	k.lasts("store.lease", c.Lease, time.Second, day)
	k.contentKeys(c)
	if len(c.Node) > maxNode || strings.ContainsFunc(c.Node, func(r rune) bool { return r <= ' ' || r == 0x7F }) {
		k.add("store.node", "is %q; it must be a name of at most %d octets without spaces", c.Node, maxNode)
	}
	switch {
	case c.Driver == DriverPostgres:
		if !isPostgresDSN(c.DSN) {
			k.add("store.dsn", `must say where PostgreSQL is, such as "postgres://smpp@db1,db2/smpp?target_session_attrs=read-write"`)
		}
	case c.Driver != DriverSQLite:
		k.oneOf("store.driver", c.Driver, DriverSQLite, DriverPostgres)
	case c.DSN == "":
		k.add("store.dsn", `is empty; it must be the path of the database file, such as "data/messages.db"`)
	case isOfPostgres(c.DSN):
		k.add("store.dsn", `says where PostgreSQL is, and store.driver is "sqlite": set driver = "postgres" beside it, or name the database file, such as "data/messages.db"`)
	case isSQLiteURI(c.DSN):
		k.add("store.dsn", `is %q; it must be the path of a file, without "file:", so that messages outlive a restart`, c.DSN)
	}
}

func (k *checker) admin(c *Admin) {
	if c.Listen != "" {
		k.adminListen(c)
	}
	seen := map[string]int{}
	for i, user := range c.Users {
		key := tomlstrict.Index("admin.users", i)
		switch first, double := seen[user.Name]; {
		case user.Name == "" || strings.ContainsAny(user.Name, ":\r\n"):
			k.add(key+".name", "is %q; it must not be empty, nor hold a colon", user.Name)
		case double:
			k.add(key+".name", "%q is also the name of %s", user.Name, tomlstrict.Index("admin.users", first))
		default:
			seen[user.Name] = i
		}
		if user.Password == "" {
			k.add(key+".password", "is empty; make a hash with: smppserv hash-password")
		} else if IsHash(user.Password) {
			if text := hashProblem(user.Password); text != "" {
				k.add(key+".password", "%s", text)
			}
		}
		if user.Role != "" {
			k.oneOf(key+".role", user.Role, RoleViewer, RoleOperator, RoleAdmin)
		}
	}
	k.certificate("admin", c.CertFile, c.KeyFile)
}

func (k *checker) adminListen(c *Admin) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		k.add("admin.listen", `is %q; it must be address:port, such as "127.0.0.1:8346", or "" for off`, c.Listen)
		return
	}
	if what := unseen(c.Listen, false); what != "" {
		k.add("admin.listen", "holds %s; take it out", what)
		return
	}
	if host != "" && !isHost(host) {
		k.add("admin.listen", "is %q; before its port it must have an IP address or a host name", c.Listen)
		return
	}
	if number, err := net.LookupPort("tcp", port); err != nil || port == "" || number < 0 {
		k.add("admin.listen", "is %q; its port must be from 0 to 65535", c.Listen)
		return
	}
	if !isLoopback(host) && len(c.Users) == 0 {
		k.add("admin.listen", `is %q, which other machines can reach; add admin.users, or listen on 127.0.0.1`, c.Listen)
	}
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (k *checker) launcher(c *Launcher) {
	k.lasts("launcher.stop_grace", c.StopGrace, time.Second, time.Hour)
	k.within("launcher.log_max_mb", c.LogMaxMB, 1, 100_000)
	k.within("launcher.log_keep", c.LogKeep, 0, 100_000)
}

// resetLauncher puts one key of [launcher] back to its default.
func resetLauncher(c *Launcher, key string) {
	target, def := reflect.ValueOf(c).Elem(), reflect.ValueOf(Default().Launcher)
	for i := range target.NumField() {
		if tomlstrict.Join("launcher", target.Type().Field(i).Tag.Get("toml")) == key {
			target.Field(i).Set(def.Field(i))
		}
	}
}

// ports finds two keys that claim the same port on the same address.
func (k *checker) ports(c *Config) {
	type claim struct{ key, host, port string }
	number := func(n int) string { return fmt.Sprint(n) }
	claims := []claim{
		{"server.listen_port", c.Server.ListenHost, number(c.Server.ListenPort)},
		{"server.tls.listen_port", c.Server.ListenHost, number(c.Server.TLS.ListenPort)},
		{"tcp.listen_port", c.TCP.ListenHost, number(c.TCP.ListenPort)},
		{"tcp.tls.listen_port", c.TCP.ListenHost, number(c.TCP.TLS.ListenPort)},
	}
	if host, port, err := net.SplitHostPort(c.Admin.Listen); err == nil {
		claims = append(claims, claim{"admin.listen", host, port})
	}
	for i, b := range claims {
		if b.port == "0" {
			continue
		}
		for _, a := range claims[:i] {
			if a.port == b.port && (a.host == b.host || a.host == "" || b.host == "") {
				k.add(b.key, "port %s is taken already by %s", b.port, a.key)
				break
			}
		}
	}
}
