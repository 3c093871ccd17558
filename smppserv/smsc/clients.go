package smsc

import (
	"net/netip"
	"strings"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/smsc/translate"
)

// BindPolicy says which two sessions a client may have.
type BindPolicy uint8

const (
	Split BindPolicy = iota // one that transmits and one that receives; a transceiver takes both places
	Pair                    // any two
)

// Client is an account: what config.toml says of an ESME.
type Client struct {
	translate.Profile
	SystemID         string
	CheckPassword    func(given string) bool
	Hash             string   // of the password, as it is stored: CheckPassword takes its time; "" = it is plain
	Numbers          []string // its campaign numbers, * at the end as wildcard; none = all
	Allow            []netip.Prefix
	Disabled         bool
	SystemType       string           // it must bind with, "" = any
	BindTypes        []smpp.CommandID // none = all
	Operations       []string         // "submit_sm" and the like, and "distribution_list"; none = all
	ServiceTypes     []string         // none = any
	BindPolicy       BindPolicy
	ThrottleRate     int
	MaxQueued        int
	InterfaceVersion byte // the highest that its sessions have, 0 = ours
}

// directory is the clients as they are configured now.
type directory struct {
	Settings
	byID map[string]*Client
}

// hash is what is stored of a client's password, "" if it is plain or there is no such client.
func (d *directory) hash(systemID string) string {
	if c := d.byID[systemID]; c != nil {
		return c.Hash
	}
	return ""
}

func newDirectory(st Settings) *directory {
	d := &directory{Settings: st, byID: map[string]*Client{}}
	for i := range d.Clients {
		d.byID[d.Clients[i].SystemID] = &d.Clients[i]
	}
	return d
}

func (d *directory) rate(c *Client) session.Rate {
	if c.ThrottleRate > 0 {
		return session.NewRate(c.ThrottleRate)
	}
	return session.NewRate(d.ThrottleRate)
}

// owns tells how well the client's numbers fit: 0 not at all, 1 because it has none and so all of them,
// higher the more of the number is written out.
func (c *Client) owns(number string) int {
	if len(c.Numbers) == 0 {
		return 1
	}
	best := 0
	for _, n := range c.Numbers {
		prefix, wild := strings.CutSuffix(n, "*")
		switch {
		case wild && strings.HasPrefix(number, prefix):
			best = max(best, 2+len(prefix))
		case n == number:
			best = max(best, 1000)
		}
	}
	return best
}

// owners are the clients whose numbers fit best, in the order of the configuration.
func (d *directory) owners(number string) []*Client {
	var found []*Client
	best := 1
	for i := range d.Clients {
		c := &d.Clients[i]
		switch fit := c.owns(number); {
		case fit > best:
			best, found = fit, append(found[:0], c)
		case fit == best:
			found = append(found, c)
		}
	}
	return found
}
