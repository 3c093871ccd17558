package centre

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/alerts"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/smsc/translate"
)

// What config.toml says, as the packages want it.

func queueSettings(cfg *config.Config) queue.Settings {
	st := queue.Settings{ReceiptValidity: cfg.Hermes.Validity, StatusToHermes: cfg.Hermes.StatusURL != "", LongestRetry: slices.Max(cfg.Hermes.Retry)}
	if cfg.Hermes.Reassemble {
		st.Reassemble = cfg.Hermes.ReassembleTimeout
	}
	return st
}

func smscOptions(cfg *config.Config, mc *centre) smsc.Options {
	s := cfg.Server
	return smsc.Options{
		SMSCIdentifier: s.SMSCIdentifier, Opportunity: cfg.Mode == config.ModeOpportunity,
		Timers: session.Timers{SessionInit: s.SessionInitTimeout, EnquireLink: s.KeepAliveInterval,
			Inactivity: s.InactivityTimeout, Response: s.ResponseTimeout},
		Logout: s.DisconnectAfterLogout, Window: s.Window, MaxConnections: s.MaxConnections, MaxPerAddress: s.MaxConnectionsPerIP,
		FailedBindDelay: s.FailedBindDelay, Queue: mc.queue, History: mc.store, Others: mc.others(), Passwords: mc.places, Log: mc.log, Recorder: mc.traces, Observer: mc.counters, Changed: mc.operators.ClientChanged,
		Operator: func(password string) bool { return config.CheckPassword(mc.token, password) },
	}
}

func systemIDs(cfg *config.Config) (all []string) {
	for i := range cfg.Clients {
		all = append(all, cfg.Clients[i].SystemID)
	}
	return all
}

// alertsFile is beside the database.
const alertsFile = "alerts.json"

func alertSettings(cfg *config.Config) alerts.Settings {
	m := &cfg.Mail
	st := alerts.Settings{Mail: alerts.Mail{Server: m.Server, Port: m.Port, User: m.User, Password: m.Password, From: m.From}}
	switch m.TLS {
	case config.MailTLS:
		st.Mail.Security = alerts.ImplicitTLS
	case config.MailPlain:
		st.Mail.Security = alerts.NoTLS
	}
	for i := range cfg.Alerts {
		a := &cfg.Alerts[i]
		r := alerts.Rule{When: alerts.When(a.When), Limit: string(a.Limit), Client: a.Client, Webhook: a.Webhook, Email: a.Email}
		switch a.When { // the limits were checked
		case config.WhenWaiting:
			r.Count, _ = a.Limit.Number()
		case config.WhenDiskFree:
			r.Octets, _ = a.Limit.Octets()
		default:
			r.Lasts, _ = a.Limit.Duration()
		}
		st.Rules = append(st.Rules, r)
	}
	return st
}

func certPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

func smscSettings(cfg *config.Config) smsc.Settings {
	st := smsc.Settings{
		Texts:     translate.Texts{MaxOctets: cfg.Server.MaxMessageOctets, Validity: cfg.Hermes.Validity, Canned: map[byte]string{}},
		Balancers: prefixes(cfg.Server.ProxyNetworks), ThrottleRate: cfg.Server.ThrottleRate, LogContent: cfg.Log.Content,
		Lists: map[string][]string{}, ServiceTypes: map[string]smpp.Status{},
	}
	for _, c := range cfg.Clients {
		st.Clients = append(st.Clients, client(c))
	}
	for _, l := range cfg.DistributionLists {
		st.Lists[l.Name] = l.Members
	}
	for id, text := range cfg.CannedMessages {
		if n, err := strconv.ParseUint(id, 10, 8); err == nil {
			st.Canned[byte(n)] = text
		}
	}
	for name, why := range cfg.ServiceTypes {
		st.ServiceTypes[name] = serviceTypes[why]
	}
	return st
}

// The words that config.Load lets through.
var (
	bindPolicies = map[string]smsc.BindPolicy{"split": smsc.Split, "pair": smsc.Pair}
	longMessages = map[string]translate.LongMessages{"udh": translate.LongUDH, "sar": translate.LongSAR, "payload": translate.LongPayload}
	versions     = map[string]byte{"3.3": smpp.V33, "3.4": smpp.V34, "5.0": smpp.V50}
	bindTypes    = map[string]smpp.CommandID{"transmitter": smpp.CmdBindTransmitter, "receiver": smpp.CmdBindReceiver, "transceiver": smpp.CmdBindTransceiver}
	serviceTypes = map[string]smpp.Status{config.ServiceUnavailable: smpp.RSERTYPUNAVAIL, config.ServiceDenied: smpp.RSERTYPDENIED}
)

// Codings is what data_codings mean to a client of a configuration that config.Load let through.
func Codings(c config.Client) smstext.Codings {
	codings := smstext.Codings{Others: map[byte]smstext.Alphabet{}}
	codings.Default, _ = smstext.ParseAlphabet(c.DefaultAlphabet)
	for dcs, name := range c.Alphabets {
		if n, err := strconv.ParseUint(dcs, 10, 8); err == nil {
			codings.Others[byte(n)], _ = smstext.ParseAlphabet(name)
		}
	}
	return codings
}

func client(c config.Client) smsc.Client {
	codings := Codings(c)
	receiptFormat := c.ReceiptMessageIDFormat
	if receiptFormat == "" {
		receiptFormat = c.MessageIDFormat
	}
	var types []smpp.CommandID
	for _, t := range c.BindTypes {
		types = append(types, bindTypes[t])
	}
	hash := ""
	if config.IsHash(c.Password) {
		hash = c.Password
	}
	return smsc.Client{
		Hash: hash, Disabled: c.Disabled, SystemType: c.SystemType, BindTypes: types, Operations: c.Operations, ServiceTypes: c.ServiceTypes,
		Profile: translate.Profile{DefaultSource: c.DefaultSource, DefaultAlphabet: codings.Default, Alphabets: codings.Others, MessageIDHex: c.MessageIDFormat == "hex",
			ReceiptIDHex: receiptFormat == "hex", LongMessages: longMessages[c.LongMessages]},
		SystemID:      c.SystemID,
		CheckPassword: func(given string) bool { return config.CheckPassword(c.Password, given) },
		Numbers:       c.Numbers, Allow: prefixes(c.Allow), BindPolicy: bindPolicies[c.BindPolicy], ThrottleRate: c.ThrottleRate,
		MaxQueued: c.MaxQueued, InterfaceVersion: versions[c.InterfaceVersion],
	}
}

func prefixes(cidrs []string) []netip.Prefix {
	var ps []netip.Prefix
	for _, c := range cidrs {
		if p, err := netip.ParsePrefix(c); err == nil {
			ps = append(ps, p)
		}
	}
	return ps
}

// portOptions are those of the TCP port for Hermès.
func (mc *centre) portOptions(cfg *config.Config) (hermes.PortOptions, error) {
	t := cfg.TCP
	o := hermes.PortOptions{Listen: net.JoinHostPort(t.ListenHost, strconv.Itoa(t.ListenPort)), Allow: prefixes(t.Allow),
		Balancers: prefixes(cfg.Server.ProxyNetworks), Token: t.Token, Validity: cfg.Hermes.Validity, Queue: mc.queue, Clients: mc.smsc, Log: mc.log}
	if t.TLS.ListenPort == 0 {
		return o, nil
	}
	conf, err := tlsConfig("tcp.tls", t.TLS)
	if err != nil {
		return o, err
	}
	mc.portConf.Store(conf)
	o.ListenTLS, o.TLS = net.JoinHostPort(t.ListenHost, strconv.Itoa(t.TLS.ListenPort)), following(&mc.portConf)
	return o, nil
}

func pushOptions(cfg *config.Config, log zerolog.Logger) (hermes.PushOptions, error) {
	h := cfg.Hermes
	o := hermes.PushOptions{
		URL: h.URL, Timeout: h.Timeout, Concurrency: h.Concurrency, Retry: h.Retry, Secret: h.Secret, StatusURL: h.StatusURL,
		Method: h.Request.Method, ContentType: h.Request.ContentType, Body: h.Request.Body, SuccessPattern: h.Request.SuccessPattern,
		Headers: h.Request.Headers, Log: log,
		Text: translate.Decode,
	}
	if h.TLS == (config.HermesTLS{}) {
		return o, nil
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if h.TLS.CAFile != "" {
		var err error
		if o.TLS.RootCAs, err = certPool(h.TLS.CAFile); err != nil {
			return o, fmt.Errorf("hermes.tls.ca_file: %w", err)
		}
	}
	if h.TLS.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(h.TLS.CertFile, h.TLS.KeyFile)
		if err != nil {
			return o, fmt.Errorf("hermes.tls: %w", err)
		}
		o.TLS.Certificates = []tls.Certificate{cert}
	}
	return o, nil
}
