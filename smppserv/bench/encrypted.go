package main

import (
	"bytes"
	"encoding/base64"
	"sync/atomic"

	"hnetsmpp/smppserv/testkit"
)

// encrypted measures whole lives, which write a text and read it again, with store.encrypt_content and without.
func encrypted(t *trial) []value {
	var rates [2]float64
	var costs [2]cost
	measure := func(i int, keys testkit.Settings) func() {
		return func() {
			t.alone(func(t *trial) {
				var pushes atomic.Int64
				w := t.server(true, keys, testkit.Settings{"hermes.url": t.hermes(accept(&pushes))})
				n := t.scaled(200_000)
				costs[i] = t.spent(nil, n, func() { rates[i] = t.lives(w, n, n, number) }, w)
			})
		}
	}
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	t.inTurn(measure(0, testkit.Settings{"store.encrypt_content": true, "store.encrypt_key": key}), measure(1, nil))
	return []value{{rates[0], rates[1]}, {costs[0].workers, costs[1].workers}}
}
