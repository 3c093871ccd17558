package config

import "time"

// Default is what a file need not say. Its paths are relative. It is not valid:
// clients and hermes.url have no default, so that a file that has lost them is
// never taken for one that means it.
func Default() Config {
	return Config{
		Mode: ModeVocalcom,
		Server: Server{
			ListenPort:            2346,
			SMSCIdentifier:        "opportunity-smsc",
			KeepAliveInterval:     10 * time.Minute,
			DisconnectAfterLogout: 10 * time.Second,
			SessionInitTimeout:    30 * time.Second,
			ResponseTimeout:       30 * time.Second,
			FailedBindDelay:       250 * time.Millisecond,
			Window:                10,
			MaxConnections:        10000,
			MaxConnectionsPerIP:   200,
			MaxMessageOctets:      65535,
		},
		Hermes: Hermes{
			Timeout:           10 * time.Second,
			Concurrency:       32,
			Retry:             []Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute},
			Validity:          24 * time.Hour,
			Reassemble:        true,
			ReassembleTimeout: 5 * time.Minute,
			Request: Request{
				Method:      "POST",
				ContentType: "application/json; charset=utf-8",
			},
		},
		TCP: TCP{
			ListenPort: 18182,
			Allow:      []string{"127.0.0.0/8", "::1/128"},
		},
		Jobs: Jobs{
			StatusReportInterval: 10 * time.Second,
			PurgeMessagesHour:    1,
			Retention:            720 * time.Hour,
		},
		Store: Store{
			Driver: "sqlite",
			DSN:    "data/messages.db",
			Lease:  10 * time.Second,
		},
		Admin: Admin{
			Listen: "127.0.0.1:8346",
		},
		Mail: Mail{
			Port: 587,
			TLS:  MailSTARTTLS,
		},
		Log: Log{
			Level:    "info",
			Messages: true,
		},
		Launcher: Launcher{
			StopGrace: 30 * time.Second,
			LogMaxMB:  50,
			LogKeep:   10,
		},
	}
}

// DefaultClient is a [[clients]] entry that names only the required keys,
// without these.
func DefaultClient() Client {
	return Client{
		BindPolicy:      "split",
		MaxQueued:       100000,
		DefaultAlphabet: "gsm7",
		MessageIDFormat: "decimal",
		LongMessages:    "udh",
	}
}

// SetDefaults makes c what DefaultClient returns. It is for tomlstrict, which
// calls it for each [[clients]] entry before it reads that.
func (c *Client) SetDefaults() { *c = DefaultClient() }
