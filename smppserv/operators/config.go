package operators

import (
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

// Config is what config.toml says, as far as operators are told of it.
type Config struct {
	Mode      string
	HermesURL string // "" = none
	StandIn   bool   // messages go to the stand-in, and reach nobody
	Clients   []Client
	Warnings  []Warning
	Settings  adminapi.Settings // but for All
	// AllSettings makes Settings.All: of many clients that is a lot, and seldom asked for.
	AllSettings func() []adminapi.Setting
	// Certificates are the files of those that are in use, by the key that names them.
	Certificates map[string]string
	Database     string // its file, "" = it is in none
	Folder       string // where the server keeps files; "" = that of Database
	SMPP, TCP    string // where the ports listen

	byID map[string]int // the places of Clients; nil = they are not indexed
}

// Index has clients be found at once, however many there are. It is called before others have the Config.
func (c *Config) Index() {
	c.byID = make(map[string]int, len(c.Clients))
	for i := range c.Clients {
		c.byID[c.Clients[i].SystemID] = i
	}
}

// Client is one of config.toml.
type Client struct {
	SystemID string
	Disabled bool
	Shipped  bool // it has the password that the program is shipped with
	Numbers  []string
	Limit    int // submits per second, 0 = none
}

// Warning is something that config.toml allows and operators should know.
type Warning struct {
	Code, Key, Text string // Code is one of codes
}

func (c *Config) client(systemID string) (Client, bool) {
	if c.byID != nil {
		if at, ok := c.byID[systemID]; ok {
			return c.Clients[at], true
		}
		return Client{}, false
	}
	for _, one := range c.Clients {
		if one.SystemID == systemID {
			return one, true
		}
	}
	return Client{}, false
}

// named is a party as operators read it, and nobody's name where it is a system_id.
func named(party string) string {
	if party == sms.Hermes {
		return adminapi.Hermes
	}
	return party
}

// midnight is that of the server's zone.
func midnight(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, now.Location())
}
