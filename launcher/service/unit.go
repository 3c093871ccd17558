package service

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
)

// unitFile is the service for systemd as it is shipped: started once the server is ready, and stopped politely. While config.toml has a
// fault it stays "activating", with the reason in its status, and starts by itself when the file is mended.
//
//go:embed HNET_SMPP_Serv.service
var unitFile string

// systemdUnit is the unit for a program, a configuration and an account, "" = root. What it writes is in the folders.
func systemdUnit(program, configPath, user string, folders []string) string {
	var u strings.Builder
	for line := range strings.Lines(unitFile) {
		key, _, _ := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "#"):
			continue // it is said of the shipped file
		case key == "Documentation":
			line = ""
		case key == "ExecStart":
			line = fmt.Sprintf("ExecStart=%s run --config %s\n", systemdQuote(program), systemdQuote(configPath))
		case key == "User" && user == "", key == "AmbientCapabilities" && user == "":
			line = ""
		case key == "User":
			line = "User=" + user + "\n"
		case key == "CapabilityBoundingSet" && user == "": // its files may be others'
			line = "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_DAC_OVERRIDE CAP_CHOWN\n"
		case strings.HasPrefix(line, "SystemCallFilter=~") && user == "":
			line = "SystemCallFilter=~@resources\n"
		case key == "ReadWritePaths":
			line = "ReadWritePaths="
			for i, folder := range folders {
				if i > 0 {
					line += " "
				}
				line += systemdQuote("-" + folder) // one that is not there yet is no fault
			}
			line += "\n"
		case key == "ProtectHome" && inHome(append(folders, program, configPath)):
			line = "ProtectHome=read-only\n"
		}
		u.WriteString(line)
	}
	return strings.TrimLeft(u.String(), "\n")
}

// inHome tells whether one of the paths is where ProtectHome hides all.
func inHome(all []string) bool {
	for _, p := range all {
		for _, home := range [...]string{"/home", "/root", "/run/user"} {
			if p = path.Clean(p); p == home || strings.HasPrefix(p, home+"/") {
				return true
			}
		}
	}
	return false
}

var systemdEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`)

func systemdQuote(arg string) string { return `"` + systemdEscapes.Replace(arg) + `"` }
