package adminapi

import (
	"context"
	"sync"
	"time"
)

// Node is a worker on the store: GET /api/v1/nodes.
type Node struct {
	Name     string    `json:"name"`
	Self     bool      `json:"self"`            // the one that answers
	Leader   bool      `json:"leader"`          // it does what one does for all, such as alerts
	Epoch    int64     `json:"epoch,omitempty"` // of its lease; 0 = it has the store to itself, and none
	Address  string    `json:"address,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Lag      float64   `json:"lag_ms"` // since its lease was renewed, as far as is known here
	Sessions int       `json:"sessions"`
	Waiting  int       `json:"waiting"`
	Version  string    `json:"version"`
	Differs  []string  `json:"differs,omitempty"` // parts of config.toml that are not as here
	Parts    []Part    `json:"parts,omitempty"`   // how it stands, where several share the store
	// Missing is why the node gave no answer: Sessions and Waiting are what it said last, and nothing else is known.
	Missing Text `json:"missing,omitzero"`
}

// lacks gathers what answers lack, in words.
type lacks struct {
	mu  sync.Mutex
	all []Text
}

type lacksKey struct{}

// Gathering has what is asked for with ctx tell NoteLack's words to Lacks.
func Gathering(ctx context.Context) context.Context {
	return context.WithValue(ctx, lacksKey{}, &lacks{})
}

// NoteLack notes that the answer lacks something, such as what a node that does not answer has. Nothing is noted twice.
func NoteLack(ctx context.Context, what Text) {
	l, ok := ctx.Value(lacksKey{}).(*lacks)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		if one.String() == what.String() {
			return
		}
	}
	l.all = append(l.all, what)
}

// Lacks are what was noted of what was asked for with ctx, which is Gathering's.
func Lacks(ctx context.Context) []Text {
	l, ok := ctx.Value(lacksKey{}).(*lacks)
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Text(nil), l.all...)
}

// LacksHeader is the header of an answer with a line for each thing that it lacks.
const LacksHeader = "Answer-Lacks"
