package store

import (
	"slices"
	"strings"
)

// OneLine is a text in one line. Each of its lines stands there once: what a driver tried twice with the same end is told once.
func OneLine(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return strings.Join(all, "; ")
}
