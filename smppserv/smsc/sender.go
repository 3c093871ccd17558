package smsc

import (
	"errors"
	"slices"
	"sync"
	"time"

	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

const (
	// restTime is how long nothing is sent on a session after RTHROTTLED or RMSGQFUL.
	restTime = time.Second
	// A session that left a deliver_sm unanswered is avoided, as long as the client has another one, until it answers one, or for
	// muteTime; each further time for twice as long, up to maxMuteTime.
	muteTime, maxMuteTime = 5 * time.Minute, time.Hour
)

var errMute = errors.New("neither deliver_sm nor enquire_link was answered")

// sender sends deliver_sm on a session, as many at a time as the client takes.
//
//	window ──RTHROTTLED, RMSGQFUL──► nothing for restTime ──► 1 ──as many taken as were sent at a time──► 1 more, up to the window
//	window ──no answer──► other sessions first ──muteTime──► 1, as above
//
// The queue is told, so that messages that are not sent wait there: each for its turn, and for the end of its validity.
type sender struct {
	p      *peer
	window int // deliver_sm in flight at most

	mu      sync.Mutex
	outlet  road.Outlet
	now     int // deliver_sm in flight at most as the client takes them now
	taken   int // since that was changed
	flying  int
	line    []*delivery // of which something is to be sent, in their order
	failing []*delivery // that are stopped, until their outcome is reported
	sending bool        // somebody is at it
	rest    time.Time   // nothing is sent before
	mute    *time.Timer // until the session is used like others; nil = it is
	mutes   int         // in a row
	probing bool
}

func (sd *sender) init(p *peer, window int) {
	window = max(window, 1)
	sd.p, sd.window, sd.now = p, window, window
}

// send sends a message, after those before it.
func (sd *sender) send(d *delivery) {
	sd.mu.Lock()
	rest := time.Until(sd.rest)
	switch { // it was on its way here when the rest began, or when one before it came to nothing
	case rest > 0:
		d.stop(sms.Outcome{Verdict: sms.Returned, Reason: "the session takes nothing now"})
		sd.outlet.Rest(rest)
	case sd.outlet.Overtakes(d.m):
		d.stop(sms.Outcome{Verdict: sms.Returned, Reason: "one before it in its conversation must be tried again"})
	default:
		sd.line = append(sd.line, d)
	}
	o, over := d.outcome()
	sd.mu.Unlock()
	if over {
		sd.end(d, o)
		return
	}
	sd.goOn()
}

// goOn sends what there is room for. One goroutine does at a time, so that the order stays.
func (sd *sender) goOn() {
	if !sd.begin() {
		return
	}
	for {
		d, i, over := sd.following()
		switch {
		case d == nil:
			return
		case over != nil:
			sd.end(d, *over)
			continue
		}
		fault := guard.Do(func() {
			sd.p.s.Send(d.parts.PDUs[i], func(a session.Answer) { sd.answered(d, i, a, outcome(a)) })
		})
		if fault != nil {
			sd.p.sv.o.Log.Error().EmbedObject(d.m).Err(fault).Str("stack", fault.Stack).
				Msg("sending a message brought about a fault of the server: it is tried three times at most; please report this line")
			sd.answered(d, i, session.Answer{Err: fault}, sms.Outcome{Verdict: sms.TryAgain, Fault: true, Reason: fault.Error()})
		}
	}
}

// begin tells whether nobody is sending; the caller is, from then on.
func (sd *sender) begin() bool {
	sd.mu.Lock()
	defer sd.mu.Unlock()
	if sd.sending {
		return false
	}
	sd.sending = true
	return true
}

// following is the deliver_sm to send next, or a message of which the client has all, and its outcome. nil = nothing, and nobody is
// sending any more.
func (sd *sender) following() (d *delivery, i int, over *sms.Outcome) {
	sd.mu.Lock()
	defer sd.mu.Unlock()
	for n := 0; n < len(sd.line) && sd.flying < sd.now; {
		d = sd.line[n]
		if sd.heldBack(d) {
			n++
			continue
		}
		if i = d.part(); i >= 0 {
			d.next, d.begun = i+1, true
			d.flying++
			sd.flying++
			if d.part() < 0 {
				sd.leaveLine(n)
			}
			return d, i, nil
		}
		sd.leaveLine(n)
		if o, ok := d.outcome(); ok {
			return d, 0, &o
		}
	}
	sd.sending = false
	return nil, 0, nil
}

// heldBack tells whether a message is not to be begun, as one before it in its conversation will have to be tried again.
func (sd *sender) heldBack(d *delivery) bool {
	return !d.begun && slices.ContainsFunc(sd.failing, func(f *delivery) bool { return f.worst.Verdict != sms.Failed && f.sameConversation(d) })
}

// leaveLine takes the n-th one out of the line.
func (sd *sender) leaveLine(n int) {
	if n > 0 {
		sd.line = slices.Delete(sd.line, n, n+1)
		return
	}
	sd.line[0] = nil
	sd.line = sd.line[1:]
}

// ended is a message and what came of it.
type ended struct {
	d *delivery
	o sms.Outcome
}

// answered is called with what became of the i-th deliver_sm of d.
func (sd *sender) answered(d *delivery, i int, a session.Answer, o sms.Outcome) {
	var first [1]ended
	all, progress, back := first[:0], "", false
	sd.mu.Lock()
	if d.settled[i/8]&(1<<(i%8)) != 0 { // what was sent in a fault may time out besides
		sd.mu.Unlock()
		return
	}
	d.settled[i/8] |= 1 << (i % 8)
	sd.flying--
	d.flying--
	if a.Err == nil {
		sd.heard()
	}
	switch {
	case o.Verdict == sms.Done:
		d.parts.Take(i)
		sd.widen()
	case o.Unjudged:
		d.stop(o)
		sd.narrow(o)
		back = true
	case errors.Is(a.Err, session.ErrTimeout):
		d.stop(o)
		sd.silent()
		back = true
	default:
		d.stop(o)
	}
	end, over := d.outcome()
	switch {
	case over:
		all = append(all, ended{d, end})
	case !d.reported && o.Verdict == sms.Done:
		progress = d.parts.Progress()
	}
	sd.fails(d)
	if over {
		all = sd.giveBackBehind(d, all)
	}
	if back {
		all = sd.giveBack(o, all)
	}
	sd.mu.Unlock()
	if progress != "" {
		d.report(sms.Outcome{Verdict: sms.Underway, Progress: progress})
	}
	sd.endAll(all)
	sd.goOn()
}

// fails notes a message of which no more is sent. What follows it in its conversation waits until its outcome is reported.
func (sd *sender) fails(d *delivery) {
	if d.stopped && !d.failing {
		d.failing = true
		sd.failing = append(sd.failing, d)
	}
}

// giveBackBehind is for a message that is over. If it has to be tried again, what was to follow it in its conversation goes back behind it.
func (sd *sender) giveBackBehind(d *delivery, all []ended) []ended {
	if !d.stopped || d.worst.Verdict == sms.Failed {
		return all
	}
	sd.line = slices.DeleteFunc(sd.line, func(next *delivery) bool {
		if next.begun || !next.sameConversation(d) {
			return false
		}
		all = sd.giveOneBack(next, d.worst.Reason, all)
		return true
	})
	return all
}

// giveOneBack sends no more of a message: it goes back to the queue if it was not begun, else when what was sent is answered.
func (sd *sender) giveOneBack(d *delivery, reason string, all []ended) []ended {
	d.stop(sms.Outcome{Verdict: sms.Returned, Reason: reason})
	if o, over := d.outcome(); over {
		all = append(all, ended{d, o})
	}
	sd.fails(d)
	return all
}

// endAll reports what messages came to. What has come meanwhile behind those that have to be tried again goes back, too.
func (sd *sender) endAll(all []ended) {
	for len(all) > 0 {
		var behind []ended
		for _, e := range all {
			if sd.end(e.d, e.o); e.d.failing {
				behind = sd.failed(e.d, behind)
			}
		}
		all = behind
	}
}

// failed is for a message whose outcome is reported.
func (sd *sender) failed(d *delivery, behind []ended) []ended {
	sd.mu.Lock()
	defer sd.mu.Unlock()
	sd.failing = slices.DeleteFunc(sd.failing, func(f *delivery) bool { return f == d })
	return sd.giveBackBehind(d, behind)
}

func (sd *sender) end(d *delivery, o sms.Outcome) {
	if ref, ok := d.parts.Reference(); ok {
		sd.p.account.references.release(ref)
	}
	d.report(o)
}

// widen lets more be in flight when as many were taken.
func (sd *sender) widen() {
	if sd.now == sd.window || time.Until(sd.rest) > 0 {
		return
	}
	if sd.taken++; sd.taken >= sd.now {
		sd.now, sd.taken = sd.now+1, 0
		sd.outlet.SetWindow(sd.now)
	}
}

// narrow is for a client that takes nothing now.
func (sd *sender) narrow(o sms.Outcome) {
	if sd.now == sd.window {
		sd.p.sv.o.Log.Info().Str("system_id", sd.p.s.SystemID()).Uint64("session", sd.p.s.ID()).Str("reason", o.Reason).
			Msg("a client takes less than is sent: nothing is sent on its session for a second, and then more and more")
	}
	sd.now, sd.taken, sd.rest = 1, 0, time.Now().Add(restTime)
	sd.outlet.SetWindow(1)
	sd.outlet.Rest(restTime)
}

// giveBack sends no more of what is in line: what was not begun goes back to the queue.
func (sd *sender) giveBack(o sms.Outcome, all []ended) []ended {
	for _, d := range sd.line {
		all = sd.giveOneBack(d, o.Reason, all)
	}
	sd.line = nil
	return all
}

// breakOff gives back what was not begun, with a reason, and ends what was when its answers are there.
func (sd *sender) breakOff(o sms.Outcome) {
	sd.mu.Lock()
	all := sd.giveBack(o, nil)
	sd.mu.Unlock()
	sd.endAll(all)
}

// silent is for a deliver_sm that was not answered: is anybody there?
func (sd *sender) silent() {
	if sd.mute == nil {
		sd.p.sv.o.Log.Warn().Str("system_id", sd.p.s.SystemID()).Uint64("session", sd.p.s.ID()).
			Msg("a client did not answer a deliver_sm: its session is probed, and what it was sent goes through another one if it has one")
		sd.mute = time.AfterFunc(min(muteTime<<min(sd.mutes, 8), maxMuteTime), func() {
			sd.mu.Lock()
			defer sd.mu.Unlock()
			sd.now, sd.taken = 1, 0 // one finds out
			sd.outlet.SetWindow(1)
			sd.unmute()
		})
		sd.mutes++
		sd.avoid(true)
	}
	if sd.probing {
		return
	}
	sd.probing = true
	sd.p.sv.watch.note(sd.p.s.SystemID(), Event{Kind: EventProbed, Remote: sd.p.remote})
	go func() {
		session.DropSilent([]*session.Session{sd.p.s}, sd.p.sv.o.ProbeTime, errMute)
		sd.mu.Lock()
		defer sd.mu.Unlock()
		sd.probing = false
	}()
}

// heard is for a session that answers deliver_sm.
func (sd *sender) heard() {
	sd.mutes = 0
	sd.unmute()
}

func (sd *sender) unmute() {
	if sd.mute == nil {
		return
	}
	sd.mute.Stop()
	sd.mute = nil
	sd.avoid(false)
}

// avoid has other sessions of the client be used, here or at other workers, while there are any that answer.
func (sd *sender) avoid(on bool) {
	sd.outlet.Avoid(on)
	if others := sd.p.sv.o.Others; others != nil {
		others.Mute(sd.p.s.SystemID(), sd.p.s.ID(), on)
	}
}

// late is for a deliver_sm_resp that comes when nobody waits for it any more.
func (sd *sender) late() {
	sd.mu.Lock()
	defer sd.mu.Unlock()
	sd.heard()
}

// over is for a session that has ended.
func (sd *sender) over() {
	sd.mu.Lock()
	defer sd.mu.Unlock()
	if sd.mute != nil {
		sd.mute.Stop()
	}
}
