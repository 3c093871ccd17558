package centre

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/admin"
)

// maxProblemsWait is how long a probe waits for what is wrong besides.
const maxProblemsWait = 2 * time.Second

// Ready implements admin.Centre.
func (mc *centre) Ready() error {
	return unready(mc.operators.Lease(), mc.store.Check())
}

// unready is why no message can be taken, nil = one can: a lease that is lost, with what the store says of the database, which is
// mostly why.
func unready(lost, trouble error) error {
	switch {
	case lost == nil:
		return trouble
	case trouble == nil:
		return lost
	}
	return fmt.Errorf("%w: %w", lost, trouble)
}

// Problems implements admin.Centre.
func (mc *centre) Problems() []admin.Problem {
	var all []admin.Problem
	if n := mc.store.Parked(); n > 0 {
		text := fmt.Sprintf("the database refuses the final states of %d messages: the log names the first ones and the reason; mend it, else they are tried again after the next start", n)
		all = append(all, admin.Problem{Text: text, Brief: text})
	}
	if pending := mc.waiting(); len(pending) > 0 {
		text := "changes of config.toml wait for a restart"
		all = append(all, admin.Problem{Text: text + ": " + strings.Join(pending, ", "), Brief: text})
	}
	all = append(all, strandedProblems(mc.stranded())...)
	ctx, cancel := context.WithTimeout(context.Background(), maxProblemsWait)
	defer cancel()
	for _, text := range mc.operators.Briefs(ctx) {
		all = append(all, admin.Problem{Text: text, Brief: text})
	}
	return all
}

// User implements admin.Centre.
func (mc *centre) User(name string) (role adminapi.Role, texts, ok bool) {
	mc.mu.Lock()
	defer mc.mu.Unlock()
	at := slices.IndexFunc(mc.users, func(u config.User) bool { return u.Name == name })
	if at < 0 {
		return adminapi.Nobody, false, false
	}
	u := mc.users[at]
	return adminapi.RoleOf(u.Role), u.Texts, true
}

// maxCheckWait is how long an operator may wait for a password to be checked.
const maxCheckWait = 20 * time.Second

// KnowsUser implements admin.Centre. Its checks have one turn among those of the clients' addresses. A name that nobody has takes
// as long as one that somebody has: else names could be guessed.
func (mc *centre) KnowsUser(name, password string) bool {
	mc.mu.Lock()
	users := mc.users
	mc.mu.Unlock()
	at := slices.IndexFunc(users, func(u config.User) bool { return u.Name == name })
	known := at >= 0
	if !known {
		at = slices.IndexFunc(users, func(u config.User) bool { return config.IsHash(u.Password) })
	}
	if at < 0 {
		return false
	}
	stored := users[at].Password
	switch {
	case !config.IsHash(stored):
		return config.CheckPassword(stored, password)
	case mc.good.Knows(name, stored, password):
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxCheckWait)
	defer cancel()
	leave, err := mc.places.Enter(ctx, netip.Addr{})
	if err != nil {
		return false
	}
	defer leave()
	if !config.CheckPassword(stored, password) || !known {
		return false
	}
	mc.good.Keep(name, stored, password)
	return true
}
