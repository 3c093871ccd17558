// Package config is the one config.toml that the launcher and the worker share:
// its schema, its defaults, the strict load and the checks.
//
// A file is read in two steps. Package tomlstrict judges the syntax, and lays
// the file over Default; the check files judge the values. All problems are
// reported at once, each with its file, line and key. Nothing is read from the
// environment but what the file names as ${NAME}.
package config

import (
	"time"

	"hnetsmpp/pkg/tomlstrict"
)

// Problem is one thing that is wrong with the configuration.
type Problem = tomlstrict.Problem

// Error is every problem of one configuration, in the file's order.
type Error = tomlstrict.Error

// Duration is a Go duration; in the file it is text such as "10m" or "250ms".
type Duration = time.Duration

// Config is the whole file. An empty list or table is always nil. What a file must
// say has no default: clients and, in ModeVocalcom, hermes.url.
type Config struct {
	Mode              string             `toml:"mode"` // ModeVocalcom or ModeOpportunity
	Server            Server             `toml:"server"`
	Clients           []Client           `toml:"clients"` // at least one
	DistributionLists []DistributionList `toml:"distribution_lists"`
	CannedMessages    map[string]string  `toml:"canned_messages"` // sm_default_msg_id, "1" to "255" → text
	ServiceTypes      map[string]string  `toml:"service_types"`   // service_type → ServiceUnavailable or ServiceDenied
	Hermes            Hermes             `toml:"hermes"`
	TCP               TCP                `toml:"tcp"`
	Jobs              Jobs               `toml:"jobs"`
	Store             Store              `toml:"store"`
	Admin             Admin              `toml:"admin"`
	Alerts            []Alert            `toml:"alerts"` // nil = nobody is told
	Mail              Mail               `toml:"mail"`
	Log               Log                `toml:"log"`
	Launcher          Launcher           `toml:"launcher"`
}

// The values of mode.
const (
	ModeVocalcom    = "vocalcom"    // submits go to Hermès
	ModeOpportunity = "opportunity" // submits go to the client that owns the destination number
)

// Server is the SMPP side.
type Server struct {
	ListenHost            string   `toml:"listen_host"` // "" = every address
	ListenPort            int      `toml:"listen_port"` // 0 = any free port
	SMSCIdentifier        string   `toml:"smsc_identifier"`
	KeepAliveInterval     Duration `toml:"keep_alive_interval"` // 0 = never
	ThrottleRate          int      `toml:"throttle_rate"`       // submits per second and client, 0 = no limit
	DisconnectAfterLogout Duration `toml:"disconnect_after_logout"`
	SessionInitTimeout    Duration `toml:"session_init_timeout"`
	ResponseTimeout       Duration `toml:"response_timeout"`
	InactivityTimeout     Duration `toml:"inactivity_timeout"` // 0 = never
	FailedBindDelay       Duration `toml:"failed_bind_delay"`  // 0 = none
	Window                int      `toml:"window"`             // deliver_sm in flight per session
	MaxConnections        int      `toml:"max_connections"`
	MaxConnectionsPerIP   int      `toml:"max_connections_per_ip"`
	MaxMessageOctets      int      `toml:"max_message_octets"` // of one submit
	ProxyNetworks         []string `toml:"proxy_networks"`     // CIDRs of load balancers, nil = there are none
	TLS                   PortTLS  `toml:"tls"`
}

// PortTLS is a second port that speaks TLS. It is off while ListenPort is 0.
type PortTLS struct {
	ListenPort   int    `toml:"listen_port"`
	CertFile     string `toml:"cert_file"`
	KeyFile      string `toml:"key_file"`
	ClientCAFile string `toml:"client_ca_file"` // set = clients must show a certificate
}

// Client is one ESME that may bind.
type Client struct {
	SystemID               string            `toml:"system_id" required:"true"`
	Password               string            `toml:"password" required:"true" or:"password_file"` // see CheckPassword; "" = none
	PasswordFile           string            `toml:"password_file"`                               // that Password was read from, as all …File; "" = none
	Disabled               bool              `toml:"disabled"`                                    // its binds are refused
	SystemType             string            `toml:"system_type"`                                 // "" = any
	BindTypes              []string          `toml:"bind_types"`                                  // transmitter, receiver, transceiver; nil = all
	Operations             []string          `toml:"operations"`                                  // submit_sm and others, nil = all
	ServiceTypes           []string          `toml:"service_types"`                               // nil = any; "" in it = none named
	DefaultSource          string            `toml:"default_source"`                              // source_addr where a submit has none
	Numbers                []string          `toml:"numbers"`                                     // nil = all
	Allow                  []string          `toml:"allow"`                                       // CIDRs, nil = any
	BindPolicy             string            `toml:"bind_policy"`                                 // split, pair
	ThrottleRate           int               `toml:"throttle_rate"`                               // 0 = the server's
	MaxQueued              int               `toml:"max_queued"`
	DefaultAlphabet        string            `toml:"default_alphabet"`          // of data_coding 0: gsm7, gsm7packed, latin1, ascii, utf8
	Alphabets              map[string]string `toml:"alphabets"`                 // data_coding, "1" to "255" → an alphabet; nil = the standard's
	MessageIDFormat        string            `toml:"message_id_format"`         // decimal, hex
	ReceiptMessageIDFormat string            `toml:"receipt_message_id_format"` // "" = MessageIDFormat
	LongMessages           string            `toml:"long_messages"`             // udh, sar, payload
	InterfaceVersion       string            `toml:"interface_version"`         // "", 3.3, 3.4, 5.0
	Outbind                string            `toml:"outbind"`                   // host:port that we call, "" = none
	OutbindPassword        string            `toml:"outbind_password"`          // plain
	OutbindPasswordFile    string            `toml:"outbind_password_file"`
}

// DistributionList is a dl_name that submit_multi may name.
type DistributionList struct {
	Name    string   `toml:"name" required:"true"`
	Members []string `toml:"members" required:"true"` // digits, after a + or not
}

// The values of service_types.
const (
	ServiceUnavailable = "unavailable" // under maintenance
	ServiceDenied      = "denied"      // its content is not allowed
)

// Hermes is the bridge to Hermès.Net.
type Hermes struct {
	URL               string     `toml:"url"` // Simulator, or http(s); "" = none, in ModeOpportunity
	Timeout           Duration   `toml:"timeout"`
	Concurrency       int        `toml:"concurrency"`
	Retry             []Duration `toml:"retry"` // the last one repeats; never empty
	Validity          Duration   `toml:"validity"`
	Reassemble        bool       `toml:"reassemble"`
	ReassembleTimeout Duration   `toml:"reassemble_timeout"`
	Secret            string     `toml:"secret"` // "" = pushes are not signed
	SecretFile        string     `toml:"secret_file"`
	StatusURL         string     `toml:"status_url"` // "" = final states are not posted
	Request           Request    `toml:"request"`
	TLS               HermesTLS  `toml:"tls"`
}

// Simulator is the hermes.url that means the built-in stand-in.
const Simulator = "simulator"

// Request shapes a push.
type Request struct {
	Method         string            `toml:"method"`
	ContentType    string            `toml:"content_type"`
	Body           string            `toml:"body"`            // text/template, "" = the built-in JSON
	SuccessPattern string            `toml:"success_pattern"` // "" = every 2xx counts
	Headers        map[string]string `toml:"headers"`
	HeadersFile    map[string]string `toml:"headers_file"` // by the names of headers
}

// HermesTLS is how we know Hermès, and how it knows us.
type HermesTLS struct {
	CAFile   string `toml:"ca_file"` // "" = the system's authorities
	CertFile string `toml:"cert_file"`
	KeyFile  string `toml:"key_file"`
}

// TCP is the port where Hermès' answers come in.
type TCP struct {
	ListenHost string   `toml:"listen_host"`
	ListenPort int      `toml:"listen_port"` // 0 = any free port
	Allow      []string `toml:"allow"`       // CIDRs, nil = any
	Token      string   `toml:"token"`       // "" = none asked
	TokenFile  string   `toml:"token_file"`
	TLS        PortTLS  `toml:"tls"`
}

// Jobs are the recurring tasks.
type Jobs struct {
	StatusReportInterval Duration `toml:"status_report_interval"`
	PurgeMessagesHour    int      `toml:"purge_messages_hour"` // 0-23 local time, -1 = never
	Retention            Duration `toml:"retention"`
}

// Store is where messages are kept.
type Store struct {
	Driver string `toml:"driver"` // DriverSQLite, DriverPostgres
	DSN    string `toml:"dsn"`    // a file; or where PostgreSQL is, as libpq has it
	// DSNFile holds the dsn, where that holds a password.
	DSNFile string   `toml:"dsn_file"`
	Node    string   `toml:"node"`  // this worker's name among those on the store, "" = the host's; PostgreSQL alone
	Lease   Duration `toml:"lease"` // a worker that is silent for so long is taken for dead; PostgreSQL alone
	// EncryptContent seals what messages say; EncryptKey is what ContentKeys reads.
	EncryptContent bool   `toml:"encrypt_content"`
	EncryptKey     string `toml:"encrypt_key"`
	EncryptKeyFile string `toml:"encrypt_key_file"`
}

// The values of driver.
const (
	DriverSQLite   = "sqlite"
	DriverPostgres = "postgres"
)

// Admin is the operator's page and API.
type Admin struct {
	Listen string `toml:"listen"` // host:port, "" = off
	Users  []User `toml:"users"`  // nil = nobody is asked for a password
	// With both the page is served by HTTPS.
	CertFile string `toml:"cert_file"`
	KeyFile  string `toml:"key_file"`
}

// User may open the operator's page.
type User struct {
	Name         string `toml:"name" required:"true"`
	Password     string `toml:"password" required:"true" or:"password_file"` // see CheckPassword
	PasswordFile string `toml:"password_file"`
	Role         string `toml:"role"`  // RoleViewer, RoleOperator, RoleAdmin; "" = RoleOperator
	Texts        bool   `toml:"texts"` // may read the texts of messages
}

// The values of role.
const (
	RoleViewer   = "viewer"   // looks
	RoleOperator = "operator" // acts
	RoleAdmin    = "admin"    // and does what cannot be undone
)

// Log is what the worker writes about itself.
type Log struct {
	Level    string `toml:"level"`    // trace, debug, info, warn, error
	Content  bool   `toml:"content"`  // message text in logs
	Messages bool   `toml:"messages"` // a line for each message that has come to its end, without text, in a file of its own
}

// Launcher is read by the launcher only.
type Launcher struct {
	Worker    string   `toml:"worker"` // "" = smppserv beside the launcher
	StopGrace Duration `toml:"stop_grace"`
	LogMaxMB  int      `toml:"log_max_mb"`
	LogKeep   int      `toml:"log_keep"` // 0 = all
}

// UsesStandIn reports whether pushes go to the built-in stand-in for Hermès.
func (c *Config) UsesStandIn() bool { return c.Hermes.URL == Simulator }
