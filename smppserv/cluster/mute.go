package cluster

import "context"

// Mute tells whether a session of this node's leaves unanswered what it is sent. What waits for its client goes to where the client has one
// that answers, as long as there is one. It is known when it is in the database, and forgotten with the session's place.
func (n *Node) Mute(client string, session uint64, on bool) {
	s, key := &n.slots, place{client, session}
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.places[key]
	if !ok || h.mute == on {
		return
	}
	h.mute = on
	s.places[key] = h
	s.marks[key] = true
	s.freed.kick()
}

// markSlots notes which sessions are mute, and which are not any more.
func (n *Node) markSlots(ctx context.Context) error {
	s := &n.slots
	var clients []string
	var sessions []int64
	var mute []bool
	s.mu.Lock()
	for p := range s.marks {
		h, ok := s.places[p]
		if !ok {
			delete(s.marks, p)
			continue
		}
		clients, sessions, mute = append(clients, p.client), append(sessions, int64(p.session)), append(mute, h.mute)
	}
	s.mu.Unlock()
	if len(clients) == 0 {
		return nil
	}
	ctx, cancel := n.bound(ctx)
	defer cancel()
	_, err := n.o.Pool.Exec(ctx, `UPDATE slots SET mute = CASE WHEN marked.mute THEN pg_current_xact_id() END, at = pg_current_xact_id()
		FROM unnest($2::text[], $3::bigint[], $4::boolean[]) AS marked (client, session, mute)
		WHERE slots.client = marked.client AND slots.session = marked.session AND slots.epoch = $1`, int64(n.epoch), clients, sessions, mute)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, client := range clients {
		if p := (place{client, uint64(sessions[i])}); s.places[p].mute == mute[i] {
			delete(s.marks, p)
		}
	}
	n.looks.slots.kick()
	n.tell.later("slots", "")
	return nil
}
