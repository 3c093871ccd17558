package main

import (
	"context"
	"io"
	"net"
	"net/netip"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/peeraddr"
	"hnetsmpp/smppserv/balancer"
)

// introduced calls a port of the server. From an address of server.proxy_networks it begins with a header, as the server demands:
// ours says that we speak for ourselves.
func introduced(ctx context.Context, cfg *config.Config, addr string) (conn net.Conn, did bool, err error) {
	if conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr); err != nil {
		return nil, false, err
	}
	var networks []netip.Prefix
	for _, text := range cfg.Server.ProxyNetworks {
		if n, err := netip.ParsePrefix(text); err == nil {
			networks = append(networks, n)
		}
	}
	if !balancer.Within(networks, peeraddr.Of(conn.LocalAddr())) {
		return conn, false, nil
	}
	if err := balancer.Introduce(conn); err != nil {
		conn.Close()
		return nil, false, err
	}
	return conn, true, nil
}

// door is where go-smpp, which cannot send a header, is to call the server: its address, or, where a header is needed, a port
// of our own that leads there for one connection.
func (t *target) door(ctx context.Context) (string, error) {
	if len(t.cfg.Server.ProxyNetworks) == 0 {
		return t.addr, nil
	}
	dialCtx, cancel := context.WithTimeout(ctx, bindTime)
	defer cancel()
	server, did, err := introduced(dialCtx, t.cfg, t.addr)
	if err != nil {
		return "", t.bindError(err)
	}
	if !did {
		return t.addr, server.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		server.Close()
		return "", err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		defer server.Close()
		c, err := l.Accept()
		l.Close()
		if err != nil {
			return
		}
		defer c.Close()
		go func() {
			_, _ = io.Copy(server, c)
			server.Close()
		}()
		_, _ = io.Copy(c, server)
	}()
	return l.Addr().String(), nil
}
