package runs

import "hnetsmpp/smppserv/sms"

// A source gives pairs that rise; ok is false at its end.
type source interface {
	next() (p pair, ok bool, err error)
}

// merge gives the pairs of several sources in one order, without those below the horizon and all but the newest of the keys of
// which only that one is kept.
type merge struct {
	horizon sms.ID
	heap    []front // the lowest one first
	held    pair    // given when nothing newer of its key has come
	holds   bool
}

type front struct {
	pair
	source source
}

func newMerge(horizon sms.ID, sources []source) (*merge, error) {
	m := &merge{horizon: horizon}
	for _, s := range sources {
		p, ok, err := s.next()
		if err != nil {
			return nil, err
		}
		if ok {
			m.heap = append(m.heap, front{p, s})
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

func (m *merge) sink(i int) {
	for {
		low := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.heap); child++ {
			if m.heap[child].compare(m.heap[low].pair) < 0 {
				low = child
			}
		}
		if low == i {
			return
		}
		m.heap[i], m.heap[low] = m.heap[low], m.heap[i]
		i = low
	}
}

// lowest takes the lowest pair of all sources.
func (m *merge) lowest() (p pair, ok bool, err error) {
	if len(m.heap) == 0 {
		return pair{}, false, nil
	}
	top := &m.heap[0]
	p = top.pair
	next, more, err := top.source.next()
	if err != nil {
		return pair{}, false, err
	}
	if more {
		top.pair = next
	} else {
		m.heap[0] = m.heap[len(m.heap)-1]
		m.heap = m.heap[:len(m.heap)-1]
	}
	m.sink(0)
	return p, true, nil
}

func (m *merge) next() (p pair, ok bool, err error) {
	for {
		p, ok, err := m.lowest()
		if err != nil {
			return pair{}, false, err
		}
		if !ok {
			held, holds := m.held, m.holds
			m.holds = false
			return held, holds, nil
		}
		if p.id < m.horizon {
			continue
		}
		held, holds := m.held, m.holds
		m.held, m.holds = p, true
		if holds && !(held.key == p.key && p.key.NewestOnly()) {
			return held, true, nil
		}
	}
}
