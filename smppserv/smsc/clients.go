package smsc

import (
	"net/netip"
	"slices"
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

	numbers ownership // of it alone
}

// directory is the clients as they are configured now.
type directory struct {
	Settings
	byID    map[string]*Client
	numbers ownership // of all
}

// hash is what is stored of a client's password, "" if it is plain or there is no such client.
func (d *directory) hash(systemID string) string {
	if c := d.byID[systemID]; c != nil {
		return c.Hash
	}
	return ""
}

func newDirectory(st Settings) *directory {
	st.Clients = slices.Clone(st.Clients) // they are the directory's own
	d := &directory{Settings: st, byID: map[string]*Client{}}
	for i := range d.Clients {
		c := &d.Clients[i]
		d.byID[c.SystemID], c.numbers = c, ownership{}
		c.numbers.add(c)
		d.numbers.add(c)
	}
	return d
}

// rate is what a client may submit here, when it transmits to so many workers.
func (d *directory) rate(c *Client, workers int) session.Rate {
	perSecond := c.ThrottleRate
	if perSecond == 0 {
		perSecond = d.ThrottleRate
	}
	if perSecond > 0 {
		perSecond = max(1, perSecond/workers)
	}
	return session.NewRate(perSecond)
}

// owns tells whether the client may write to a number and receives for it.
func (c *Client) owns(number string) bool { return len(c.numbers.owners(number)) > 0 }

// owners are the clients whose numbers fit best, in the order of the configuration: those that have the number itself, else
// those with the longest beginning of it, else those that have all numbers.
func (d *directory) owners(number string) []*Client { return d.numbers.owners(number) }

// ownership finds who owns a number.
type ownership struct {
	exact     map[string][]*Client
	beginning map[string][]*Client // of those with a wildcard, by what is before it
	longest   int                  // octets of a beginning
	every     []*Client            // have none, and so all
}

func (n *ownership) add(c *Client) {
	if len(c.Numbers) == 0 {
		n.every = append(n.every, c)
		return
	}
	if n.exact == nil {
		n.exact, n.beginning = map[string][]*Client{}, map[string][]*Client{}
	}
	for _, number := range c.Numbers {
		of := n.exact
		if beginning, wild := strings.CutSuffix(number, "*"); wild {
			of, number = n.beginning, beginning
			n.longest = max(n.longest, len(number))
		}
		if have := of[number]; len(have) == 0 || have[len(have)-1] != c {
			of[number] = append(have, c)
		}
	}
}

func (n *ownership) owners(number string) []*Client {
	if found := n.exact[number]; found != nil {
		return found
	}
	if len(n.beginning) > 0 {
		for end := min(len(number), n.longest); end >= 0; end-- {
			if found := n.beginning[number[:end]]; found != nil {
				return found
			}
		}
	}
	return n.every
}
