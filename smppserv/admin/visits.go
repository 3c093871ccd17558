package admin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"sync"
	"time"
)

const (
	// maxVisits bounds the logins that are kept; one more ends the one that was silent longest.
	maxVisits = 500
	// A login ends when nothing was asked for so long, and so long after it in any case.
	visitIdle, visitEnd = time.Hour, 12 * time.Hour
)

// visits are the logins of the page, by their cookies. They are gone with the process.
type visits struct {
	key []byte // of what forms carry

	mu  sync.Mutex
	all map[string]*visit
}

type visit struct {
	actor      Actor
	began, now time.Time
}

func newVisits() *visits {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return &visits{key: key, all: map[string]*visit{}}
}

// begin makes a cookie for who has logged in.
func (v *visits) begin(a Actor) (cookie string) {
	cookie = rand.Text()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.all) >= maxVisits {
		oldest := ""
		for c, other := range v.all {
			if oldest == "" || other.now.Before(v.all[oldest].now) {
				oldest = c
			}
		}
		delete(v.all, oldest)
	}
	now := time.Now()
	v.all[cookie] = &visit{actor: a, began: now, now: now}
	return cookie
}

// of is who logged in with a cookie. What a page that is open asks for byItself is no sign of somebody.
func (v *visits) of(cookie string, byItself bool) (Actor, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one := v.all[cookie]
	if one == nil {
		return Actor{}, false
	}
	now := time.Now()
	if now.Sub(one.now) > visitIdle || now.Sub(one.began) > visitEnd {
		delete(v.all, cookie)
		return Actor{}, false
	}
	if !byItself {
		one.now = now
	}
	return one.actor, true
}

func (v *visits) end(cookie string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.all, cookie)
}

// endOf ends those of a user.
func (v *visits) endOf(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.all, func(_ string, one *visit) bool { return one.actor.Name == name })
}

// mark is what a form of who has this cookie must carry: another site knows neither.
func (v *visits) mark(cookie string) string {
	sum := hmac.New(sha256.New, v.key)
	sum.Write([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

func (v *visits) marked(cookie, mark string) bool {
	return hmac.Equal([]byte(v.mark(cookie)), []byte(mark))
}
