package store

import (
	"slices"
	"strings"
)

const refusedTLS = ": tls error: server refused TLS connection"

// CannotConnect says in one line why PostgreSQL cannot be reached, from what its driver says of each try, a line each. What it tried twice
// with the same end is told once; that a server has no TLS is not where the driver went on there without.
func CannotConnect(tries string) string {
	all := linesOf(tries)
	var told []string
	for _, line := range all {
		server, refused := strings.CutSuffix(line, refusedTLS)
		if !refused || !slices.ContainsFunc(all, func(other string) bool { return other != line && strings.HasPrefix(other, server+": ") }) {
			told = append(told, line)
		}
	}
	return "cannot connect: " + strings.Join(told, "; ")
}

// RefusedTLS tells, from what the driver of PostgreSQL says of each try, whether each server lacks TLS.
func RefusedTLS(tries string) bool {
	all := linesOf(tries)
	return len(all) > 0 && !slices.ContainsFunc(all, func(line string) bool { return !strings.HasSuffix(line, refusedTLS) })
}

func linesOf(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}
