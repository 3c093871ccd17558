package page

import (
	"context"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

func (p *page) nodes(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "nodes", v.T("Nodes"), "status clients waiting"
	return p.o.Operators.Nodes(ctx)
}

// Lag is a float as a duration.
func (v *view) Lag(ms float64) string {
	if ms == 0 {
		return "0"
	}
	return v.Duration(time.Duration(ms * float64(time.Millisecond)))
}

// NodeParts are the parts of a node that an operator is to see: Hermès', and what does not stand well.
func (v *view) NodeParts(n adminapi.Node) []adminapi.Part {
	return slices.DeleteFunc(slices.Clone(n.Parts), func(p adminapi.Part) bool {
		return p.Name != adminapi.PartHermes && p.Level != adminapi.Bad && p.Level != adminapi.Warning
	})
}

// Differs names what of a node's config.toml is not as here.
func (v *view) Differs(n adminapi.Node) string { return strings.Join(n.Differs, ", ") }

// IDPart is a name as a part of the id of an element.
func (v *view) IDPart(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' {
			return r
		}
		return '_'
	}, name)
}
