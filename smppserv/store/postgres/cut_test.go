package postgres_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/testkit"
)

// A server that dies while a store is opened, at whatever point, is one that is waited for.
func TestAConnectionThatIsCutAnywhereWhileTheStoreOpensMeansAServerThatIsAway(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	if err := must(t, options(dsn, t.TempDir())).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	direct := server.Host
	for octets := int64(1); ; octets *= 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go relay(l, direct, octets)
		server.Host = l.Addr().String()
		s, err := postgres.Open(t.Context(), options(server.String(), t.TempDir()))
		l.Close()
		if err == nil {
			if err := s.Close(context.Background()); octets < 1024 {
				t.Errorf("it opens with %d octets of the server's, %v", octets, err)
			}
			return
		}
		if !postgres.IsAway(err) || !strings.Contains(err.Error(), "cannot be reached") {
			t.Errorf("after %d octets: %v", octets, err)
		}
	}
}

// relay hands connections on, and cuts each when the server has said so many octets.
func relay(l net.Listener, to string, octets int64) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(server, client)
			server.Close()
		}()
		go func() {
			_, _ = io.CopyN(client, server, octets)
			client.Close()
			server.Close()
		}()
	}
}
