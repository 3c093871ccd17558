package adminapi

import "errors"

// What an answer says where the server cannot do what was asked. Each is wrapped in words that say more.
var (
	ErrNotFound   = errors.New("there is no such thing")
	ErrConflict   = errors.New("it cannot be done as things are") // a message is final, a client is not paused, …
	ErrBadRequest = errors.New("what was asked makes no sense")
	ErrForbidden  = errors.New("whoever asks may not")
	ErrTooSlow    = errors.New("the database did not answer in time")
	// ErrUnavailable is that the database is locked, the disk is full, …: nothing was changed, and it may be asked again when that is over.
	ErrUnavailable = errors.New("nothing can be written now")
	// ErrNoAnswer is that the node which has what was asked for does not answer: unless it began just before, nothing was done.
	ErrNoAnswer = errors.New("another node does not answer")
)

// Role is what an operator may do. Each may do what those before it may.
type Role uint8

const (
	Nobody   Role = iota
	Viewer        // looks
	Operator      // acts
	Admin         // and does what cannot be undone
)

var roles = [...]string{"nobody", "viewer", "operator", "admin"}

func (r Role) String() string { return roles[min(int(r), len(roles)-1)] }

// RoleOf is the role that config.toml names; "" is an operator.
func RoleOf(name string) Role {
	switch name {
	case "viewer":
		return Viewer
	case "", "operator":
		return Operator
	case "admin":
		return Admin
	}
	return Nobody
}

// The names of an Actor that is no user of config.toml.
const (
	ActorLocal = "local"       // whoever reaches the port on this machine, where config.toml has no users
	ActorFile  = "config.toml" // whoever changed it
	ActorToken = "token"       // the commands of this machine, by the token that only its administrators can read
)

// Actor is who asks.
type Actor struct {
	Name  string // of a user, or ActorLocal or ActorToken
	From  string // an address
	Role  Role
	Texts bool // may read the texts of messages
}

// Known tells whether the actor has shown who it is.
func (a Actor) Known() bool { return a.Name != "" && a.Name != ActorLocal }
