package smsc

import "sync"

// references are those of the texts that are being sent to a client in parts, on whichever of its sessions. A text that waits for
// its next try holds back those behind it in its conversation, so that whatever is sent beside it there is known here.
type references struct {
	mu   sync.Mutex
	used *[256]uint16 // texts; nil = there has been none yet
}

// take is a reference that no text has which is being sent: first, or the next one behind it.
func (r *references) take(first byte) byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used == nil {
		r.used = new([256]uint16)
	}
	ref := first
	for r.used[ref] > 0 {
		if ref++; ref == first {
			break
		}
	}
	r.used[ref]++
	return ref
}

// keep notes the reference of a text that had it before.
func (r *references) keep(ref byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used == nil {
		r.used = new([256]uint16)
	}
	r.used[ref]++
}

// release is for a text that is not being sent any more.
func (r *references) release(ref byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used[ref]--
}
