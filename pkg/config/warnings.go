package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"hnetsmpp/pkg/tomlstrict"
)

// What the shipped file says, and everybody knows. It is no default.
const (
	shippedSystemID = "admin"
	shippedPassword = "vocalcom"
)

// Warnings is what the configuration allows and the operator should know.
// Its problems bear neither file nor line.
func (c *Config) Warnings() []Problem {
	w := &checker{}
	if c.UsesStandIn() {
		w.add("hermes.url", "messages go to the built-in stand-in for Hermès, and reach nobody")
	} else if u, err := url.Parse(c.Hermes.URL); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		w.add("hermes.url", "messages cross the network unencrypted; prefer https://")
	}
	for i := range c.Clients {
		key := tomlstrict.Index("clients", i)
		w.clientPassword(key, &c.Clients[i])
		w.blanks(key+".system_id", c.Clients[i].SystemID)
		w.blanks(key+".system_type", c.Clients[i].SystemType)
	}
	w.owners(c.Clients)
	if c.Server.TLS.ListenPort == 0 && c.Server.TLS.CertFile != "" {
		w.add("server.tls.listen_port", "is 0, so TLS is off although cert_file is set")
	}
	for i, network := range c.Server.ProxyNetworks {
		if p, err := netip.ParsePrefix(network); err == nil && p.Bits() == 0 {
			w.add(tomlstrict.Index("server.proxy_networks", i), "is %q: whoever reaches the ports can name any address as its own", network)
		}
	}
	if c.TCP.TLS.ListenPort == 0 && c.TCP.TLS.CertFile != "" {
		w.add("tcp.tls.listen_port", "is 0, so TLS is off although cert_file is set")
	}
	w.problems = append(w.problems, c.Careless()...)
	for i, user := range c.Admin.Users {
		if !IsHash(user.Password) {
			w.add(tomlstrict.Index("admin.users", i)+".password", "is in plain text; make a hash with: smppserv hash-password")
		}
	}
	if c.Log.Content {
		w.add("log.content", "is true: the log holds the text of messages")
	}
	return w.problems
}

// Careless are those of the warnings that a file of today is not accepted with where it is judged strictly. Files that an earlier
// version accepted work on with them.
func (c *Config) Careless() []Problem {
	k := &checker{}
	switch {
	case c.TCP.Token != "":
	case len(c.TCP.Allow) == 0:
		k.add("tcp.allow", "is empty and there is no tcp.token: whoever reaches the port can send messages; set tcp.token, or name the networks of Hermès")
	case slices.ContainsFunc(c.TCP.Allow, beyondThisMachine):
		k.add("tcp.allow", "lets other machines in and there is no tcp.token: whoever has an address of these networks can send messages; set tcp.token")
	case slices.ContainsFunc(c.Server.ProxyNetworks, beyondThisMachine):
		k.add("server.proxy_networks", "lets other machines name any address as their client's, also one of tcp.allow, and there is no tcp.token: "+
			"whoever has an address of these networks can send messages; set tcp.token")
	}
	if host, _, err := net.SplitHostPort(c.Admin.Listen); err == nil && !isLoopback(host) && c.Admin.CertFile == "" {
		k.add("admin.listen", "is reached by other machines, and passwords cross the network unencrypted; set admin.cert_file and admin.key_file")
	}
	return k.problems
}

// beyondThisMachine tells whether a network has addresses that are not loopback's.
func beyondThisMachine(network string) bool {
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return false // a fault of its own
	}
	for _, loopback := range [...]string{"127.0.0.0/8", "::1/128", "::ffff:127.0.0.0/104"} {
		l := netip.MustParsePrefix(loopback)
		if l.Bits() <= p.Bits() && l.Contains(p.Addr()) {
			return false
		}
	}
	return true
}

// blanks tells of those that a client would have to send, too. Whoever has it so may mean it.
func (k *checker) blanks(key, value string) {
	if strings.TrimSpace(value) != value {
		k.add(key, "is %q, and only a client that sends the blank as well can bind", value)
	}
}

func (k *checker) clientPassword(key string, c *Client) {
	switch {
	case c.Password == "":
		k.add(key+".password", "is empty: anybody who knows the system_id %q can bind", c.SystemID)
	case c.usesShippedPassword():
		k.add(key+".password", "client %q has the password that the program is shipped with; change it", c.SystemID)
	case !IsHash(c.Password) && len(c.Password) > maxPassword:
		k.add(key+".password", "is longer than the %d characters of SMPP 3.4; some clients cannot send it", maxPassword)
	}
}

// UsesShippedPassword reports whether the client may bind with the password that the program is shipped with.
func (c *Client) UsesShippedPassword() bool { return c.usesShippedPassword() }

// usesShippedPassword reports whether the client may bind with the password that
// the program is shipped with.
func (c *Client) usesShippedPassword() bool {
	if c.Password == shippedPassword {
		return true
	}
	// A hash costs tens of milliseconds to compare, so only the shipped account's is.
	return c.SystemID == shippedSystemID && IsHash(c.Password) && CheckPassword(c.Password, shippedPassword)
}
