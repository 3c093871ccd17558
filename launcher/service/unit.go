package service

import (
	"fmt"
	"strings"
)

// systemdUnit is the service for systemd: started once the server is ready, and stopped politely. While config.toml has
// a fault it stays "activating", with the reason in its status, and starts by itself when the file is mended.
func systemdUnit(program, configPath, user string) string {
	var u strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&u, format+"\n", args...) }
	line("[Unit]")
	line("Description=%s", displayName)
	line("After=network-online.target")
	line("Wants=network-online.target")
	line("")
	line("[Service]")
	line("Type=notify")
	line("NotifyAccess=main")
	line("ExecStart=%s run --config %s", systemdQuote(program), systemdQuote(configPath))
	if user != "" {
		line("User=%s", user)
	}
	line("Restart=always")
	line("RestartSec=5")
	line("TimeoutStartSec=infinity")
	line("TimeoutStopSec=infinity") // launcher.stop_grace is the limit
	line("KillMode=mixed")          // the launcher stops the server
	line("LimitNOFILE=65536")
	line("NoNewPrivileges=yes")
	line("PrivateTmp=yes")
	line("")
	line("[Install]")
	line("WantedBy=multi-user.target")
	return u.String()
}

var systemdEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`)

func systemdQuote(arg string) string { return `"` + systemdEscapes.Replace(arg) + `"` }
