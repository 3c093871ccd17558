package centre

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/sms"
)

// maxStranded bounds the clients that are named at a time; the others are summed up.
const maxStranded = 20

// stranded is a client that messages wait for in vain, as config.toml is.
type stranded struct {
	systemID string
	waiting  int
	disabled bool // else it is not there
}

// why tells it in words that follow "messages wait for …".
func (s stranded) why() (why, advice string) {
	if s.disabled {
		return "it is disabled in config.toml", "enable it (disabled = false) and they are delivered when it binds; else they end with their validity"
	}
	return "config.toml has no such client", "add a client of this system_id to config.toml and they are delivered when it binds; else they end with their validity"
}

// stranded lists the clients that cannot come for what waits for them, those with most waiting first.
func (mc *centre) stranded() []stranded {
	waiting := mc.queue.Waiting()
	delete(waiting, sms.Hermes)
	var all []stranded
	for _, c := range mc.config().Clients {
		if n := waiting[c.SystemID]; n > 0 && c.Disabled {
			all = append(all, stranded{c.SystemID, n, true})
		}
		delete(waiting, c.SystemID)
	}
	for systemID, n := range waiting {
		all = append(all, stranded{systemID, n, false})
	}
	slices.SortFunc(all, func(a, b stranded) int {
		return cmp.Or(cmp.Compare(b.waiting, a.waiting), cmp.Compare(a.systemID, b.systemID))
	})
	return all
}

// sumUp takes those that there is no room to name off a list.
func sumUp(all []stranded) (named []stranded, others, waiting int) {
	named = all[:min(len(all), maxStranded)]
	for _, s := range all[len(named):] {
		others++
		waiting += s.waiting
	}
	return named, others, waiting
}

// warnStranded says it in the log: at a start and a reload, of all of them.
func (mc *centre) warnStranded() {
	all := mc.stranded()
	mc.mu.Lock()
	mc.warned = names(all)
	mc.mu.Unlock()
	mc.warnAbout(all)
}

func names(all []stranded) map[string]bool {
	systemIDs := map[string]bool{}
	for _, s := range all {
		systemIDs[s.systemID] = true
	}
	return systemIDs
}

// strandedInterval is the time between two looks for receipts and messages that came to wait in vain since.
const strandedInterval = time.Minute

// watchStranded says it of clients for which nothing waited at the start or the last reload.
func (mc *centre) watchStranded(ctx context.Context) {
	tick := time.NewTicker(strandedInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			mc.warnNew()
		}
	}
}

func (mc *centre) warnNew() {
	all := mc.stranded()
	mc.mu.Lock()
	before := mc.warned
	mc.warned = names(all)
	mc.mu.Unlock()
	mc.warnAbout(slices.DeleteFunc(all, func(s stranded) bool { return before[s.systemID] }))
}

func (mc *centre) warnAbout(all []stranded) {
	named, others, waiting := sumUp(all)
	for _, s := range named {
		why, advice := s.why()
		mc.log.Warn().Str("system_id", s.systemID).Int("messages", s.waiting).Msg("messages wait for a client in vain: " + why + "; " + advice)
	}
	if others > 0 {
		mc.log.Warn().Int("clients", others).Int("messages", waiting).Msg("messages wait in vain for more clients that config.toml does not have, or has disabled")
	}
}

// strandedProblems says it to operators.
func strandedProblems(all []stranded) (problems []admin.Problem) {
	named, others, waiting := sumUp(all)
	total := waiting
	for _, s := range named {
		total += s.waiting
		why, advice := s.why()
		problems = append(problems, admin.Problem{Text: fmt.Sprintf("%s for %s in vain: %s; %s", wait(s.waiting), s.systemID, why, advice)})
	}
	if others > 0 {
		problems = append(problems, admin.Problem{Text: fmt.Sprintf("%s in vain for %d more clients that config.toml does not have, or has disabled", wait(waiting), others)})
	}
	if total > 0 { // strangers need not know for whom
		problems[0].Brief = wait(total) + " in vain for clients that config.toml does not have, or has disabled; the operator's page names them"
	}
	return problems
}

func wait(n int) string {
	if n == 1 {
		return "1 message waits"
	}
	return fmt.Sprintf("%d messages wait", n)
}
