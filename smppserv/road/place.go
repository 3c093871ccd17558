package road

// Place is one of the sessions that a client may have at all workers on a store together.
type Place struct {
	Client    string // system_id
	Session   uint64 // its number at its worker
	Receives  bool
	Transmits bool
	Pair      bool   // the client may have any two; else one that receives and one that transmits
	Remote    string // host:port
}
