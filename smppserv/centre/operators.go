package centre

import (
	"fmt"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/sms"
)

// Sessions implements admin.Centre.
func (mc *centre) Sessions() (all []adminapi.Session) {
	for _, s := range mc.smsc.Sessions() {
		all = append(all, adminapi.Session{ID: s.ID(), SystemID: s.SystemID(), State: s.State().String(), Remote: s.RemoteAddr().String(),
			Version: versionName(s.Version()), Since: s.Opened()})
	}
	return all
}

// versionName writes an interface_version, "3.4" for 0x34; nothing before the bind.
func versionName(v byte) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", v>>4, v&0x0F)
}

// Unbind implements admin.Centre.
func (mc *centre) Unbind(id uint64) bool {
	for _, s := range mc.smsc.Sessions() {
		if s.ID() == id {
			go mc.smsc.Unbind(s)
			return true
		}
	}
	return false
}

// Queue implements admin.Centre.
func (mc *centre) Queue() sms.QueueStats { return mc.queue.Stats() }

// Ready implements admin.Centre.
func (mc *centre) Ready() error { return mc.store.Check() }

// Problems implements admin.Centre.
func (mc *centre) Problems() []admin.Problem {
	var all []admin.Problem
	if n := mc.store.Parked(); n > 0 {
		text := fmt.Sprintf("the database refuses the final states of %d messages: the log names them and the reason; mend it, else they are tried again after the next start", n)
		all = append(all, admin.Problem{Text: text, Brief: text})
	}
	if pending := mc.waiting(); len(pending) > 0 {
		text := "changes of config.toml wait for a restart"
		all = append(all, admin.Problem{Text: text + ": " + strings.Join(pending, ", "), Brief: text})
	}
	return append(all, strandedProblems(mc.stranded())...)
}

// KnowsUser implements admin.Centre.
func (mc *centre) KnowsUser(name, password string) bool {
	mc.mu.Lock()
	users := mc.users
	mc.mu.Unlock()
	for _, u := range users {
		if u.Name == name {
			return config.CheckPassword(u.Password, password)
		}
	}
	return false
}
