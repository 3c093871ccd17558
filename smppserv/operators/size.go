package operators

import "fmt"

// size writes a number of octets as people do: "1.5 GB", of 1000 MB each.
func size(octets int64) string {
	const unit = 1000
	if octets < unit {
		return fmt.Sprintf("%d B", octets)
	}
	value, names := float64(octets), "kMGTP"
	at := -1
	for value >= unit && at < len(names)-1 {
		value /= unit
		at++
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %cB", value, names[at])
	}
	return fmt.Sprintf("%.0f %cB", value, names[at])
}
