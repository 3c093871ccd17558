package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// valid is the configuration of a file that says what it must, as the shipped one does.
func valid() Config {
	c := Default()
	admin := DefaultClient()
	admin.SystemID, admin.Password = shippedSystemID, shippedPassword
	c.Clients, c.Hermes.URL = []Client{admin}, Simulator
	return c
}

func TestValuesOutOfBoundsAreNamed(t *testing.T) {
	tests := []struct {
		key    string
		change func(c *Config)
	}{
		{"mode", func(c *Config) { c.Mode = "" }},
		{"server.listen_host", func(c *Config) { c.Server.ListenHost = "0.0.0.0:2346" }},
		{"server.listen_host", func(c *Config) { c.Server.ListenHost = "999.1.1.1" }},
		{"server.listen_host", func(c *Config) { c.Server.ListenHost = "*" }},
		{"server.listen_port", func(c *Config) { c.Server.ListenPort = 65536 }},
		{"server.listen_port", func(c *Config) { c.Server.ListenPort = -1 }},
		{"tcp.listen_port", func(c *Config) { c.TCP.ListenPort = c.Server.ListenPort }},
		{"admin.listen", func(c *Config) { c.Admin.Listen = "127.0.0.1:2346" }},
		{"server.smsc_identifier", func(c *Config) { c.Server.SMSCIdentifier = "" }},
		{"server.smsc_identifier", func(c *Config) { c.Server.SMSCIdentifier = strings.Repeat("x", 17) }},
		{"server.keep_alive_interval", func(c *Config) { c.Server.KeepAliveInterval = -1 }},
		{"server.throttle_rate", func(c *Config) { c.Server.ThrottleRate = -1 }},
		{"server.session_init_timeout", func(c *Config) { c.Server.SessionInitTimeout = 0 }},
		{"server.response_timeout", func(c *Config) { c.Server.ResponseTimeout = 0 }},
		{"server.failed_bind_delay", func(c *Config) { c.Server.FailedBindDelay = 6 * time.Second }},
		{"server.window", func(c *Config) { c.Server.Window = 0 }},
		{"server.max_connections", func(c *Config) { c.Server.MaxConnections = 0 }},
		{"server.max_connections_per_ip", func(c *Config) { c.Server.MaxConnectionsPerIP = 0 }},
		{"server.max_message_octets", func(c *Config) { c.Server.MaxMessageOctets = 253 }},
		{"server.max_message_octets", func(c *Config) { c.Server.MaxMessageOctets = 65536 }},
		{"server.proxy_networks[1]", func(c *Config) { c.Server.ProxyNetworks = []string{"10.0.0.0/24", "10.0.1.5"} }},
		{"server.proxy_networks[0]", func(c *Config) { c.Server.ProxyNetworks = []string{"balancer"} }},
		{"server.proxy_networks[0]", func(c *Config) { c.Server.ProxyNetworks = []string{"10.0.0.5/24"} }},
		{"server.proxy_networks[0]", func(c *Config) { c.Server.ProxyNetworks = []string{"fd00::5/64"} }},
		{"server.proxy_networks[0]", func(c *Config) { c.Server.ProxyNetworks = []string{"::ffff:10.0.0.0/120"} }},
		{"server.proxy_networks[0]", func(c *Config) { c.Server.ProxyNetworks = []string{""} }},
		{"server.tls.cert_file", func(c *Config) { c.Server.TLS.ListenPort, c.Server.TLS.KeyFile = 2347, os.DevNull }},
		{"clients", func(c *Config) { c.Clients = nil }},
		{"clients[0].system_id", func(c *Config) { c.Clients[0].SystemID = strings.Repeat("x", 16) }},
		{"clients[0].system_id", func(c *Config) { c.Clients[0].SystemID = "é" }},
		{"clients[1].system_id", func(c *Config) { c.Clients = append(c.Clients, c.Clients[0]) }},
		{"clients[0].password", func(c *Config) { c.Clients[0].Password = "$2y$tooshort" }},
		{"clients[0].password", func(c *Config) { c.Clients[0].Password = "$2a$31$" + strings.Repeat("a", 53) }},
		{"clients[0].password", func(c *Config) { c.Clients[0].Password = strings.Repeat("x", 73) }},
		{"clients[0].system_type", func(c *Config) { c.Clients[0].SystemType = strings.Repeat("x", 13) }},
		{"clients[0].bind_types[1]", func(c *Config) { c.Clients[0].BindTypes = []string{"receiver", "bind_receiver"} }},
		{"clients[0].operations[0]", func(c *Config) { c.Clients[0].Operations = []string{"submit"} }},
		{"clients[0].service_types[1]", func(c *Config) { c.Clients[0].ServiceTypes = []string{"", "CMTCMT"} }},
		{"clients[0].default_source", func(c *Config) { c.Clients[0].DefaultSource = strings.Repeat("1", 21) }},
		{"clients[0].default_source", func(c *Config) { c.Clients[0].DefaultSource = " 3600" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = "192.0.2.7" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = ":2775" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = "192.0.2:2775" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = "tcp://192.0.2.7:2775" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = "192.0.2.7:0" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = "192.0.2.7:65536" }},
		{"clients[0].outbind", func(c *Config) { c.Clients[0].Outbind = "192.0.2.7:smpp" }},
		{"clients[0].outbind_password", func(c *Config) { c.Clients[0].OutbindPassword = "123456789" }},
		{"clients[0].numbers[1]", func(c *Config) { c.Clients[0].Numbers = []string{"36*", "3*6"} }},
		{"clients[0].numbers[0]", func(c *Config) { c.Clients[0].Numbers = []string{"+336"} }},
		{"clients[0].allow[0]", func(c *Config) { c.Clients[0].Allow = []string{"10.0.0.1"} }},
		{"clients[0].allow[0]", func(c *Config) { c.Clients[0].Allow = []string{"acme"} }},
		{"clients[0].bind_policy", func(c *Config) { c.Clients[0].BindPolicy = "both" }},
		{"clients[0].max_queued", func(c *Config) { c.Clients[0].MaxQueued = 0 }},
		{"clients[0].default_alphabet", func(c *Config) { c.Clients[0].DefaultAlphabet = "ucs2" }},
		{"clients[0].alphabets.0", meaning("0", "gsm7")},
		{"clients[0].alphabets.256", meaning("256", "gsm7")},
		{"clients[0].alphabets.-1", meaning("-1", "gsm7")},
		{"clients[0].alphabets.01", meaning("01", "gsm7")},
		{"clients[0].alphabets.0xF0", meaning("0xF0", "gsm7")},
		{"clients[0].alphabets.three", meaning("three", "gsm7")},
		{"clients[0].alphabets.3", meaning("3", "utf-8")},
		{"clients[0].alphabets.3", meaning("3", "")},
		{"clients[0].message_id_format", func(c *Config) { c.Clients[0].MessageIDFormat = "" }},
		{"clients[0].receipt_message_id_format", func(c *Config) { c.Clients[0].ReceiptMessageIDFormat = "octal" }},
		{"clients[0].long_messages", func(c *Config) { c.Clients[0].LongMessages = "split" }},
		{"clients[0].interface_version", func(c *Config) { c.Clients[0].InterfaceVersion = "3.5" }},
		{"distribution_lists[0].name", func(c *Config) { c.DistributionLists = []DistributionList{{"", []string{"1"}}} }},
		{"distribution_lists[0].name", func(c *Config) {
			c.DistributionLists = []DistributionList{{strings.Repeat("x", 21), []string{"1"}}}
		}},
		{"distribution_lists[1].name", func(c *Config) {
			c.DistributionLists = []DistributionList{{"a", []string{"1"}}, {"a", []string{"2"}}}
		}},
		{"distribution_lists[0].members", func(c *Config) { c.DistributionLists = []DistributionList{{"a", nil}} }},
		{"distribution_lists[0].members", func(c *Config) {
			c.DistributionLists = []DistributionList{{"a", slices.Repeat([]string{"1"}, 255)}}
		}},
		{"distribution_lists[0].members[1]", func(c *Config) { c.DistributionLists = []DistributionList{{"a", []string{"1", "+"}}} }},
		{"distribution_lists[0].members[0]", func(c *Config) { c.DistributionLists = []DistributionList{{"a", []string{"3*"}}} }},
		{"distribution_lists[0].members[0]", func(c *Config) {
			c.DistributionLists = []DistributionList{{"a", []string{strings.Repeat("1", 21)}}}
		}},
		{"canned_messages.0", func(c *Config) { c.CannedMessages = map[string]string{"0": "x"} }},
		{"canned_messages.256", func(c *Config) { c.CannedMessages = map[string]string{"256": "x"} }},
		{"canned_messages.01", func(c *Config) { c.CannedMessages = map[string]string{"01": "x"} }},
		{"canned_messages.welcome", func(c *Config) { c.CannedMessages = map[string]string{"welcome": "x"} }},
		{"canned_messages.1", func(c *Config) { c.CannedMessages = map[string]string{"1": ""} }},
		{"canned_messages.1", func(c *Config) { c.CannedMessages = map[string]string{"1": strings.Repeat("é", 1001)} }},
		{"service_types.CMT", func(c *Config) { c.ServiceTypes = map[string]string{"CMT": "off"} }},
		{"service_types.CMTCMT", func(c *Config) { c.ServiceTypes = map[string]string{"CMTCMT": "denied"} }},
		{"hermes.url", func(c *Config) { c.Hermes.URL = "" }},
		{"hermes.url", func(c *Config) { c.Hermes.URL = "hermes.example.com/push" }},
		{"hermes.url", func(c *Config) { c.Hermes.URL = "http://" }},
		{"hermes.timeout", func(c *Config) { c.Hermes.Timeout = 0 }},
		{"hermes.concurrency", func(c *Config) { c.Hermes.Concurrency = 0 }},
		{"hermes.retry", func(c *Config) { c.Hermes.Retry = nil }},
		{"hermes.retry[1]", func(c *Config) { c.Hermes.Retry = []Duration{time.Second, 0} }},
		{"hermes.validity", func(c *Config) { c.Hermes.Validity = 0 }},
		{"hermes.reassemble_timeout", func(c *Config) { c.Hermes.ReassembleTimeout = 0 }},
		{"hermes.status_url", func(c *Config) { c.Hermes.StatusURL = "x" }},
		{"hermes.request.method", func(c *Config) { c.Hermes.Request.Method = "post" }},
		{"hermes.request.content_type", func(c *Config) { c.Hermes.Request.ContentType = "a\r\nb" }},
		{"hermes.request.body", func(c *Config) { c.Hermes.Request.Body = "{{json .To" }},
		{"hermes.request.body", func(c *Config) { c.Hermes.Request.Body = "{{nosuch .To}}" }},
		{"hermes.request.success_pattern", func(c *Config) { c.Hermes.Request.SuccessPattern = "(" }},
		{"hermes.request.headers.idempotency-key", func(c *Config) { c.Hermes.Request.Headers = map[string]string{"idempotency-key": "1"} }},
		{`hermes.request.headers."a b"`, func(c *Config) { c.Hermes.Request.Headers = map[string]string{"a b": "1"} }},
		{"hermes.request.headers.x", func(c *Config) { c.Hermes.Request.Headers = map[string]string{"x": "1\n"} }},
		{"hermes.tls", func(c *Config) { c.Hermes.TLS.CertFile = "x" }},
		{"hermes.tls.ca_file", func(c *Config) { c.Hermes.TLS.CAFile = "/nowhere.pem" }},
		{"tcp.listen_host", func(c *Config) { c.TCP.ListenHost = "[::1]" }},
		{"tcp.listen_host", func(c *Config) { c.TCP.ListenHost = "host\u2800" }},
		{"tcp.allow[0]", func(c *Config) { c.TCP.Allow = []string{"::1"} }},
		{"jobs.status_report_interval", func(c *Config) { c.Jobs.StatusReportInterval = 0 }},
		{"jobs.purge_messages_hour", func(c *Config) { c.Jobs.PurgeMessagesHour = 24 }},
		{"jobs.purge_messages_hour", func(c *Config) { c.Jobs.PurgeMessagesHour = -2 }},
		{"jobs.retention", func(c *Config) { c.Jobs.Retention = 0 }},
		{"store.dsn", func(c *Config) { c.Store.Driver = "postgres" }},
		{"store.dsn", func(c *Config) { c.Store.Driver, c.Store.DSN = "postgres", "postgres://" }},
		{"store.node", func(c *Config) { c.Store.Node = "two words" }},
		{"store.node", func(c *Config) { c.Store.Node = strings.Repeat("n", 41) }},
		{"store.lease", func(c *Config) { c.Store.Lease = 999 * time.Millisecond }},
		{"store.driver", func(c *Config) { c.Store.Driver = "mysql" }},
		{"store.dsn", func(c *Config) { c.Store.DSN = "" }},
		{"store.dsn", func(c *Config) { c.Store.DSN = ":memory:" }},
		{"admin.listen", func(c *Config) { c.Admin.Listen = "8346" }},
		{"admin.listen", func(c *Config) { c.Admin.Listen = "127.0.0.1.1:8346" }},
		{"admin.listen", func(c *Config) { c.Admin.Listen = "127.0.0.1:99999" }},
		{"admin.listen", func(c *Config) { c.Admin.Listen = ":8346" }},
		{"admin.users[0].password", func(c *Config) { c.Admin.Users = []User{{Name: "a"}} }},
		{"admin.users[1].name", func(c *Config) { c.Admin.Users = []User{{Name: "a", Password: "x"}, {Name: "a", Password: "y"}} }},
		{"admin.users[0].name", func(c *Config) { c.Admin.Users = []User{{Name: "a:b", Password: "x"}} }},
		{"log.level", func(c *Config) { c.Log.Level = "INFO" }},
		{"launcher.stop_grace", func(c *Config) { c.Launcher.StopGrace = 999 * time.Millisecond }},
		{"launcher.log_max_mb", func(c *Config) { c.Launcher.LogMaxMB = 0 }},
		{"launcher.log_keep", func(c *Config) { c.Launcher.LogKeep = -1 }},
	}
	for _, tt := range tests {
		c := valid()
		tt.change(&c)
		problems := c.check()
		if len(problems) != 1 || problems[0].Key != tt.key {
			t.Errorf("got %v, want one problem of %s", problems, tt.key)
		}
	}
}

func TestWhatOperatorsWriteIsAccepted(t *testing.T) {
	hash, err := HashPassword("secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(c *Config){
		func(c *Config) { c.Server.ListenPort, c.TCP.ListenPort, c.Admin.Listen = 0, 0, "127.0.0.1:0" },
		func(c *Config) { c.Server.ListenHost, c.TCP.ListenHost = "::1", "localhost" },
		func(c *Config) { c.Admin.Listen = "" },
		func(c *Config) { c.Admin.Listen, c.Admin.Users = "0.0.0.0:8346", []User{{Name: "ops", Password: hash}} },
		func(c *Config) { c.Admin.Listen = "[::1]:8346" },
		func(c *Config) { c.Clients[0].Password = hash },
		func(c *Config) { c.Clients[0].Numbers = []string{"3600", "3367*", "*", "ACME Corp"} },
		func(c *Config) { c.Clients[0].Allow = []string{"10.0.0.0/8", "fd00::/8"} },
		func(c *Config) { c.Clients[0].Password, c.Clients[0].Disabled = "", true },
		func(c *Config) { c.Clients[0].SystemType, c.Clients[0].DefaultSource = "VMS", "ACME Corp" },
		func(c *Config) { c.Clients[0].BindTypes = []string{"transmitter", "receiver", "transceiver"} },
		func(c *Config) {
			c.Clients[0].Operations = []string{"submit_sm", "submit_multi", "distribution_list", "data_sm", "query_sm", "cancel_sm", "replace_sm"}
		},
		func(c *Config) { c.Clients[0].ServiceTypes = []string{"", "CMT", "VMN12"} },
		func(c *Config) { c.Clients[0].Outbind, c.Clients[0].OutbindPassword = "[fd00::7]:65535", "12345678" },
		func(c *Config) { c.Clients[0].Outbind = "esme.example.com:1" },
		func(c *Config) {
			c.DistributionLists = []DistributionList{{"all our agents", slices.Repeat([]string{"+33612345678"}, 254)}, {"b", []string{"1"}}}
		},
		func(c *Config) { c.CannedMessages = map[string]string{"1": strings.Repeat("é", 1000), "255": "x"} },
		func(c *Config) {
			c.ServiceTypes = map[string]string{"CMT": "unavailable", "WAP": "denied", "": "denied"}
		},
		func(c *Config) { c.Server.MaxMessageOctets = 254 },
		func(c *Config) { c.Hermes.URL = "https://hermes.example.com:8443/api/sms/push/?a=b" },
		func(c *Config) { c.Hermes.Request.Body = `{"to":{{json .To}}}` },
		func(c *Config) { c.Hermes.Request.Headers = map[string]string{"X-Api-Key": "k", "Host": "h"} },
		func(c *Config) { c.Mode, c.Hermes.URL = ModeOpportunity, "" },
		func(c *Config) { c.Jobs.PurgeMessagesHour = -1 },
		func(c *Config) {
			c.Server.ListenHost, c.TCP.ListenHost, c.TCP.ListenPort = "10.0.0.1", "10.0.0.2", 2346
		},
	} {
		c := valid()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestCertificatesMustExistAndMatchTheirKeys(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir, "a")
	_, otherKey := certificate(t, dir, "b")
	check := func(certFile, keyFile, caFile string) error {
		c := valid()
		c.Server.TLS = PortTLS{ListenPort: 2347, CertFile: certFile, KeyFile: keyFile, ClientCAFile: caFile}
		c.TCP.TLS = PortTLS{ListenPort: 18183, CertFile: certFile, KeyFile: keyFile, ClientCAFile: caFile}
		c.Hermes.TLS = HermesTLS{CertFile: certFile, KeyFile: keyFile, CAFile: caFile}
		return c.Validate()
	}
	if err := check(cert, key, cert); err != nil {
		t.Error(err)
	}
	for want, err := range map[string]error{
		"server.tls.cert_file":      check(cert, otherKey, ""),
		"hermes.tls.cert_file":      check(cert, otherKey, ""),
		"tcp.tls.cert_file":         check(cert, otherKey, ""),
		"tcp.tls.key_file":          check(cert, filepath.Join(dir, "none"), ""),
		"tcp.tls.client_ca_file":    check(cert, key, key),
		"server.tls.key_file":       check(cert, filepath.Join(dir, "none"), ""),
		"server.tls.client_ca_file": check(cert, key, key),
		"hermes.tls.ca_file":        check(cert, key, dir),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a problem of %s", err, want)
		}
	}
}

func certificate(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		var b bytes.Buffer
		if err := pem.Encode(&b, block); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestWarnings(t *testing.T) {
	keys := func(c Config) string {
		var keys []string
		for _, w := range c.Warnings() {
			keys = append(keys, w.Key)
		}
		return strings.Join(keys, " ")
	}
	c := valid()
	if got := keys(c); got != "hermes.url clients[0].password" {
		t.Errorf("as shipped: got %q", got)
	}
	c.Hermes.URL = "http://hermes.example.com/"
	c.Clients[0].Password = "123456789"
	c.Server.ProxyNetworks = []string{"10.0.0.0/24", "::/0"}
	c.TCP.Allow = nil
	c.Admin.Users = []User{{Name: "ops", Password: "plain"}}
	c.Server.TLS.CertFile, c.TCP.TLS.CertFile = "x", "x"
	c.Log.Content = true
	if got := keys(c); got != "hermes.url clients[0].password server.tls.listen_port server.proxy_networks[1] tcp.tls.listen_port tcp.allow admin.users[0].password log.content" {
		t.Errorf("got %q", got)
	}
	c = valid()
	acme := DefaultClient()
	acme.SystemID = "acme"
	c.Clients = append(c.Clients, acme)
	var texts []string
	for _, w := range c.Warnings()[1:] {
		texts = append(texts, w.String())
	}
	want := []string{
		`clients[0].password: client "admin" has the password that the program is shipped with; change it`,
		`clients[1].password: is empty: anybody who knows the system_id "acme" can bind`,
	}
	if !slices.Equal(texts, want) {
		t.Errorf("got  %q\nwant %q", texts, want)
	}
	c = valid()
	c.Hermes.URL = "http://127.0.0.1:9000/"
	c.Clients[0].Password = "other"
	if got := keys(c); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestATCPPortThatOtherMachinesReachWithoutATokenIsCareless(t *testing.T) {
	for allow, careless := range map[string]bool{
		"127.0.0.0/8": false, "127.0.0.1/32": false, "::1/128": false, "::ffff:127.0.0.1/128": false, "126.0.0.0/7": true,
		"10.0.0.1/32": true, "0.0.0.0/0": true, "::/0": true, "::/127": true, "2001:db8::/32": true,
	} {
		c := valid()
		c.TCP.Allow = []string{"127.0.0.0/8", allow}
		if got := len(c.Careless()) == 1; got != careless {
			t.Errorf("%s: careless is %t: %v", allow, got, c.Careless())
		}
		if c.TCP.Token = "x"; len(c.Careless()) != 0 {
			t.Errorf("%s with a token: %v", allow, c.Careless())
		}
	}
	c := valid()
	if len(c.Careless()) != 0 {
		t.Errorf("as shipped: %v", c.Careless())
	}
	for network, careless := range map[string]bool{"127.0.0.1/32": false, "10.0.0.7/32": true} {
		c := valid()
		c.Server.ProxyNetworks = []string{network}
		if p := c.Careless(); len(p) == 1 != careless || careless && p[0].Key != "server.proxy_networks" {
			t.Errorf("a load balancer at %s: %v", network, p)
		}
		if c.TCP.Token = "x"; len(c.Careless()) != 0 {
			t.Errorf("a load balancer at %s, with a token: %v", network, c.Careless())
		}
	}
	c.Admin.Listen = "10.0.0.1:8346"
	if p := c.Careless(); len(p) != 1 || p[0].Key != "admin.listen" {
		t.Errorf("got %v", p)
	}
}

func meaning(coding, name string) func(*Config) {
	return func(c *Config) { c.Clients[0].Alphabets = map[string]string{coding: name} }
}

func TestAClientsAlphabetsAreJudgedWithTheirNearestName(t *testing.T) {
	for line, want := range map[string]string{
		`alphabets = { 3 = "utf-8" }`:   `c.toml:4: clients[0].alphabets.3: "utf-8" is not an alphabet; did you mean "utf8"?`,
		`alphabets = { 3 = "Latin-1" }`: `c.toml:4: clients[0].alphabets.3: "Latin-1" is not an alphabet; did you mean "latin1"?`,
		`alphabets = { 8 = "ucs-2" }`:   `did you mean "ucs2"?`,
		`alphabets = { 0 = "latin1" }`:  `c.toml:4: clients[0].alphabets.0: what data_coding 0 means to the client is said by its default_alphabet`,
		`alphabets = { 0xF0 = "gsm7" }`: `clients[0].alphabets.0xF0: is not a data_coding; it must be a number from 1 to 255, not hexadecimal: write 240`,
		`alphabets = { 256 = "gsm7" }`:  `clients[0].alphabets.256: is not a data_coding; it must be a number from 1 to 255`,
		`alphabets = { 3 = 3 }`:         `clients[0].alphabets.3: must be text in quotes, not a whole number`,
		`alphabets = "gsm7"`:            `clients[0].alphabets: must be a table, as in [clients.alphabets], not text in quotes`,
		`alphabet = { 3 = "utf8" }`:     `clients[0].alphabet: unknown key; did you mean clients[0].alphabets?`,
		`alphabets = { 1 = "gsm7", 2 = "binary", 3 = "utf8", 4 = "latin1", 5 = "ascii", 6 = "cyrillic", 7 = "hebrew", 8 = "ucs2", 255 = "gsm7packed" }`: "",
	} {
		text := "hermes.url = 'simulator'\n[[clients]]\nsystem_id = 'a'\n" + line + "\npassword = 'b'\n"
		_, err := parse("c.toml", []byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
