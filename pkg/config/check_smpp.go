package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hnetsmpp/pkg/tomlstrict"
)

// Lengths that SMPP 3.4 sets, without the closing NUL.
const (
	maxSystemID = 15 // 4.1.1 system_id
	maxPassword = 8  // 4.1.1 password; longer ones are field practice
	maxAddress  = 20 // 4.4.1 source_addr, destination_addr

	maxSystemType  = 12    // 4.1.1 system_type
	maxServiceType = 5     // 4.4.1 service_type
	maxListName    = 20    // 4.5.1 dl_name
	maxMembers     = 254   // 4.5.1 number_of_dests
	maxShortText   = 254   // 4.4.1 short_message
	maxPayload     = 65535 // 5.3.2.32 message_payload
)

// maxCannedText bounds a canned message, in characters.
const maxCannedText = 1000

// longestPassword bounds a plain password of a client, and one that is hashed: it is bcrypt's limit.
const longestPassword = 72

func (k *checker) server(c *Server) {
	k.host("server.listen_host", c.ListenHost)
	k.port("server.listen_port", c.ListenPort)
	// The old product's default is one longer than SMPP allows, hence the 16.
	if n := len(c.SMSCIdentifier); n < 1 || n > maxSystemID+1 || !isPrintableASCII(c.SMSCIdentifier) {
		k.add("server.smsc_identifier", "is %q; it must be 1 to 16 ASCII characters", c.SMSCIdentifier)
	}
	k.lasts("server.keep_alive_interval", c.KeepAliveInterval, noTime, 30*day)
	k.within("server.throttle_rate", c.ThrottleRate, 0, 1_000_000)
	k.lasts("server.disconnect_after_logout", c.DisconnectAfterLogout, noTime, day)
	k.lasts("server.session_init_timeout", c.SessionInitTimeout, oneTick, day)
	k.lasts("server.response_timeout", c.ResponseTimeout, oneTick, day)
	k.lasts("server.inactivity_timeout", c.InactivityTimeout, noTime, 30*day)
	k.lasts("server.failed_bind_delay", c.FailedBindDelay, noTime, 5*time.Second)
	k.within("server.window", c.Window, 1, 10_000)
	k.within("server.max_connections", c.MaxConnections, 1, 1_000_000)
	k.within("server.max_connections_per_ip", c.MaxConnectionsPerIP, 1, 1_000_000)
	k.within("server.max_message_octets", c.MaxMessageOctets, maxShortText, maxPayload)
	k.networks("server.proxy_networks", c.ProxyNetworks)
	k.wholeNetworks("server.proxy_networks", c.ProxyNetworks)
	k.portTLS("server.tls", &c.TLS)
}

func (k *checker) clients(clients []Client) {
	if len(clients) == 0 {
		k.add("clients", "is not set, and has no default: nobody could bind; add a [[clients]] table with system_id and password")
	}
	seen := map[string]int{}
	for i := range clients {
		c := &clients[i]
		key := tomlstrict.Index("clients", i)
		if n := len(c.SystemID); n < 1 || n > maxSystemID || !isPrintableASCII(c.SystemID) {
			k.add(key+".system_id", "is %q; it must be 1 to %d ASCII characters", c.SystemID, maxSystemID)
		} else if first, double := seen[c.SystemID]; double {
			k.add(key+".system_id", "%q is also the system_id of %s", c.SystemID, tomlstrict.Index("clients", first))
		} else {
			seen[c.SystemID] = i
		}
		k.client(key, c)
	}
}

func (k *checker) client(key string, c *Client) {
	if IsHash(c.Password) {
		if text := hashProblem(c.Password); text != "" {
			k.add(key+".password", "%s", text)
		}
	} else if len(c.Password) > longestPassword || strings.ContainsRune(c.Password, 0) {
		k.add(key+".password", "must be at most %d octets, and hold no NUL", longestPassword)
	}
	if len(c.SystemType) > maxSystemType || !isPrintableASCII(c.SystemType) {
		k.add(key+".system_type", `is %q; it must be at most %d ASCII characters, or "" for any`, c.SystemType, maxSystemType)
	}
	k.eachOneOf(key+".bind_types", c.BindTypes, "transmitter", "receiver", "transceiver")
	k.eachOneOf(key+".operations", c.Operations,
		"submit_sm", "submit_multi", "distribution_list", "data_sm", "query_sm", "cancel_sm", "replace_sm")
	for i, name := range c.ServiceTypes {
		k.serviceType(tomlstrict.Index(key+".service_types", i), name)
	}
	if s := c.DefaultSource; len(s) > maxAddress || !isPrintableASCII(s) || strings.TrimSpace(s) != s {
		k.add(key+".default_source", `is %q; it must be at most %d digits or ASCII letters, with no blank around, or "" for none`, s, maxAddress)
	}
	for i, number := range c.Numbers {
		k.number(tomlstrict.Index(key+".numbers", i), number)
	}
	k.networks(key+".allow", c.Allow)
	k.oneOf(key+".bind_policy", c.BindPolicy, "split", "pair")
	k.within(key+".throttle_rate", c.ThrottleRate, 0, 1_000_000)
	k.within(key+".max_queued", c.MaxQueued, 1, 1_000_000_000)
	k.oneOf(key+".default_alphabet", c.DefaultAlphabet, "gsm7", "gsm7packed", "latin1", "ascii", "utf8")
	k.alphabets(key+".alphabets", c.Alphabets)
	k.oneOf(key+".message_id_format", c.MessageIDFormat, "decimal", "hex")
	k.oneOf(key+".receipt_message_id_format", c.ReceiptMessageIDFormat, "", "decimal", "hex")
	k.oneOf(key+".long_messages", c.LongMessages, "udh", "sar", "payload")
	k.oneOf(key+".interface_version", c.InterfaceVersion, "", "3.3", "3.4", "5.0")
	k.outbind(key, c)
}

// alphabets are the names that a text's octets can be written in.
var alphabets = []string{"gsm7", "gsm7packed", "latin1", "ascii", "ucs2", "utf8", "binary", "cyrillic", "hebrew"}

func (k *checker) alphabets(key string, meanings map[string]string) {
	for coding, name := range meanings {
		key := tomlstrict.Join(key, coding)
		n, err := strconv.ParseUint(coding, 10, 8)
		hex, hexErr := strconv.ParseUint(coding, 0, 8)
		switch {
		case err == nil && n == 0:
			k.add(key, "what data_coding 0 means to the client is said by its default_alphabet")
		case err != nil && hexErr == nil && hex > 0:
			k.add(key, "is not a data_coding; it must be a number from 1 to 255, not hexadecimal: write %d", hex)
		case err != nil || strconv.FormatUint(n, 10) != coding:
			k.add(key, "is not a data_coding; it must be a number from 1 to 255")
		}
		if !slices.Contains(alphabets, name) {
			k.add(key, "%q is not an alphabet; did you mean %q? There are %s", name, tomlstrict.Nearest(name, alphabets), strings.Join(alphabets, ", "))
		}
	}
}

func (k *checker) outbind(key string, c *Client) {
	if c.Outbind != "" {
		host, port, err := net.SplitHostPort(c.Outbind)
		number, portErr := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil || !isHost(host):
			k.add(key+".outbind", `is %q; it must be host:port, such as "192.0.2.7:2775", or "" for none`, c.Outbind)
		case portErr != nil || number == 0:
			k.add(key+".outbind", "is %q; its port must be from 1 to 65535", c.Outbind)
		}
	}
	if len(c.OutbindPassword) > maxPassword || !isPrintableASCII(c.OutbindPassword) {
		k.add(key+".outbind_password", "must be at most %d ASCII characters in plain text, for we send it", maxPassword)
	}
}

func (k *checker) distributionLists(lists []DistributionList) {
	seen := map[string]int{}
	for i, list := range lists {
		key := tomlstrict.Index("distribution_lists", i)
		if n := len(list.Name); n < 1 || n > maxListName || !isPrintableASCII(list.Name) {
			k.add(key+".name", "is %q; it must be 1 to %d ASCII characters", list.Name, maxListName)
		} else if first, double := seen[list.Name]; double {
			k.add(key+".name", "%q is also the name of %s", list.Name, tomlstrict.Index("distribution_lists", first))
		} else {
			seen[list.Name] = i
		}
		if n := len(list.Members); n < 1 || n > maxMembers {
			k.add(key+".members", "holds %d numbers; it must hold 1 to %d", n, maxMembers)
		}
		for j, number := range list.Members {
			if !isNumber(number) {
				k.add(tomlstrict.Index(key+".members", j), "%q is not a number; it must be at most %d characters, digits with or without a + before them", number, maxAddress)
			}
		}
	}
}

func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return digits != "" && len(s) <= maxAddress && strings.Trim(digits, "0123456789") == ""
}

func (k *checker) cannedMessages(texts map[string]string) {
	for id, text := range texts {
		key := tomlstrict.Join("canned_messages", id)
		if n, err := strconv.ParseUint(id, 10, 8); err != nil || n == 0 || strconv.FormatUint(n, 10) != id {
			k.add(key, "is not an sm_default_msg_id; write a number from 1 to 255")
		} else if n := utf8.RuneCountInString(text); n < 1 || n > maxCannedText {
			k.add(key, "its text has %d characters; it must have 1 to %d", n, maxCannedText)
		}
	}
}

func (k *checker) serviceTypes(states map[string]string) {
	for name, state := range states {
		key := tomlstrict.Join("service_types", name)
		k.serviceType(key, name)
		k.oneOf(key, state, ServiceUnavailable, ServiceDenied)
	}
}

func (k *checker) serviceType(key, name string) {
	if len(name) > maxServiceType || !isPrintableASCII(name) {
		k.add(key, "%q is not a service_type; it must be at most %d ASCII characters", name, maxServiceType)
	}
}

// number is a campaign number, or the beginning of some with * at its end.
func (k *checker) number(key, value string) {
	digits := strings.TrimSuffix(value, "*")
	switch {
	case value == "":
		k.add(key, "is empty; a campaign number is expected")
	case strings.HasPrefix(value, "+"):
		k.add(key, "%q: write the number without +", value)
	case strings.Contains(digits, "*"):
		k.add(key, "%q: * may stand at the end only", value)
	case len(digits) > maxAddress || !isPrintableASCII(digits) || strings.TrimSpace(digits) != digits:
		k.add(key, "%q is not a number; it must be at most %d digits or ASCII letters, with no blank around", value, maxAddress)
	}
}

func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
