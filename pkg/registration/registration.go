// Package registration is how the service was registered on this machine: what other programs may know of it.
package registration

import "strings"

// Name is the service's for the service manager, and that of its notices in Windows' Event Log.
const Name = "HNET_SMPP_Serv"

// Registration is how the service was installed.
type Registration struct {
	Config  string // the configuration that it was installed for
	Account string // that it runs under, as the service manager writes it; "" = it names none
}

// Config is the path of the configuration that the service was installed for; "" = there is no service, or this account may
// not know.
func Config() string {
	r, err := Read()
	if err != nil {
		return ""
	}
	return r.Config
}

// Start is the command that starts the server here: the service where there is one.
func Start() string {
	if Config() != "" {
		return "launcher start"
	}
	return "smppserv"
}

var plain = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `%%`, `%`, `$$`, `$`)

// InUnit reads it from the text of the unit that the launcher wrote.
func InUnit(unit string) (r Registration) {
	for line := range strings.Lines(unit) {
		line = strings.TrimRight(line, "\r\n")
		if command, ok := strings.CutPrefix(line, "ExecStart="); ok {
			if _, quoted, ok := strings.Cut(command, ` --config "`); ok {
				r.Config = plain.Replace(strings.TrimSuffix(quoted, `"`))
			}
		}
		if name, ok := strings.CutPrefix(line, "User="); ok {
			r.Account = name
		}
	}
	return r
}
