package testkit

import (
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// Bind connects to addr and binds a 3.4 session by request, which is one of the bind requests. It answers the server's
// enquire_link while it waits for something else, and is closed at the test's end.
func Bind(t testing.TB, addr string, request smpp.CommandID, systemID, password string) *smpptest.Client {
	t.Helper()
	c := smpptest.Dial(t, addr)
	c.AutoEnquire = true
	c.Bind(request, systemID, password, smpp.V34)
	return c
}
