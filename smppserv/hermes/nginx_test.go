package hermes

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// startNginx has a real nginx take pushes that closes a connection after twenty requests. It returns where, and the file where it
// notes each request: its key, its protocol and its status.
func startNginx(t *testing.T, secured bool, protocols string) (at, requests string, roots *x509.CertPool) {
	t.Helper()
	program := testkit.Peer(t, "nginx", "apt-get install --no-install-recommends nginx")
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lend := httptest.NewUnstartedServer(nil)
	lend.StartTLS()
	defer lend.Close()
	roots = x509.NewCertPool()
	roots.AddCert(lend.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(lend.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert := file("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lend.Certificate().Raw})))
	keyFile := file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at = free.Addr().String()
	free.Close()
	scheme := "http"
	tlsLines := ""
	if secured {
		scheme = "https"
		tlsLines = fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;", cert, keyFile)
	}
	requests = filepath.Join(folder, "requests.log")
	conf := file("nginx.conf", fmt.Sprintf(`
daemon off; worker_processes 2; pid %[1]s/nginx.pid; error_log %[1]s/error.log warn;
events { worker_connections 512; }
http {
	log_format push '$http_idempotency_key $server_protocol $status';
	access_log %[2]s push;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	keepalive_requests 20;
	server { listen %[3]s %[4]s; %[5]s location / { return 200 "ok"; } }
}`, folder, requests, at, protocols, tlsLines))
	nginx := exec.Command(program, "-p", folder, "-c", conf, "-e", filepath.Join(folder, "error.log"))
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); nginx.Wait() }()
	t.Cleanup(func() {
		nginx.Process.Signal(os.Interrupt)
		testkit.Receive(t, ended, "the end of nginx")
	})
	testkit.Await(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", at)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return scheme + "://" + at + "/", requests, roots
}

func TestNginxThatClosesConnectionsAfterTwentyRequestsGetsAllAtOnce(t *testing.T) {
	for _, c := range []struct {
		what, protocols, spoken string
		secured, behind         bool
	}{
		{what: "HTTP/1.1", spoken: "HTTP/1.1"},
		{what: "HTTP/1.1 with net/http", spoken: "HTTP/1.1", behind: true},
		{what: "HTTP/1.1 over TLS", protocols: "ssl", spoken: "HTTP/1.1", secured: true},
		{what: "HTTP/2 over TLS", protocols: "ssl http2", spoken: "HTTP/2.0", secured: true},
	} {
		t.Run(c.what, func(t *testing.T) {
			messages := messagesOf(1000)
			at, requests, roots := startNginx(t, c.secured, c.protocols)
			o := options(at)
			o.Timeout = testkit.Patience // many handshakes on a slow machine
			if c.secured {
				o.TLS = &tls.Config{RootCAs: roots}
			}
			if c.behind {
				o.Method = http.MethodGet // nothing that a poster sends
			}
			began := time.Now()
			log := pushAll(t, messages, o)
			took := time.Since(began).Round(time.Millisecond)
			content, err := os.ReadFile(requests)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
			keys := map[string]bool{}
			for _, line := range lines {
				key, rest, _ := strings.Cut(line, " ")
				keys[key] = true
				if rest != c.spoken+" 200" {
					t.Errorf("nginx notes %q", line)
				}
			}
			t.Logf("%d messages, %d requests, %v", messages, len(lines), took)
			if len(keys) != messages || len(lines) > messages*11/10 {
				t.Errorf("%d messages arrived in %d requests", len(keys), len(lines))
			}
			if log.count("does not answer") > 0 {
				t.Errorf("the log says\n%s", log.String())
			}
		})
	}
}
