package centre

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/operators"
	"hnetsmpp/smppserv/sms"
)

// hidden stands for a value that is not shown.
const hidden = "•••"

// observer tells of what passes through the queue: the counters, the file of messages, and pages that are open.
type observer struct {
	*messages
	operators *operators.Operators
}

func (o observer) Accepted(m *sms.Message) {
	o.messages.Accepted(m)
	o.operators.Changed(operators.TopicMessages | operators.TopicWaiting)
}

func (o observer) Retried(m *sms.Message) {
	o.messages.Retried(m)
	o.operators.Changed(operators.TopicMessages | operators.TopicWaiting)
}

func (o observer) Concluded(m *sms.Message, state sms.State) {
	o.messages.Concluded(m, state)
	o.operators.Changed(operators.TopicMessages | operators.TopicWaiting)
}

// show makes anew what operators are told of the configuration in force, which file says. fault is why what the file is now was not
// taken up, "" = it was.
func (mc *centre) show(file *config.File, fault string) {
	mc.mu.Lock()
	cfg, pending := mc.cfg, mc.pending
	mc.mu.Unlock()
	c := &operators.Config{Mode: cfg.Mode, HermesURL: cfg.Hermes.URL, StandIn: cfg.UsesStandIn(), Certificates: cfg.Certificates(),
		SMPP: addressOf(mc.plain)}
	if cfg.Store.Driver == config.DriverSQLite {
		c.Database = cfg.Store.DSN
	} else {
		c.Folder = mc.dataFolder()
	}
	if mc.port != nil {
		c.TCP = mc.port.Addr().String()
	}
	for i := range cfg.Clients {
		client := &cfg.Clients[i]
		limit := client.ThrottleRate
		if limit == 0 {
			limit = cfg.Server.ThrottleRate
		}
		c.Clients = append(c.Clients, operators.Client{SystemID: client.SystemID, Disabled: client.Disabled, Numbers: client.Numbers, Limit: limit})
	}
	for _, w := range cfg.Warnings() {
		c.Warnings = append(c.Warnings, operators.Warning{Code: warningCode(cfg, w.Key), Key: nameClient(cfg, w.Key), Text: w.Text})
	}
	if mc.database != nil {
		for _, text := range mc.database.Risks() {
			c.Warnings = append(c.Warnings, operators.Warning{Code: operators.CodeStoreUnsafe, Key: "store.dsn", Text: text})
		}
	}
	c.Settings = adminapi.Settings{File: file.Path, Pending: pending, Fault: fault, Taken: time.Now()}
	if before := mc.shown.Load(); before != nil && fault != "" {
		c.Settings.Taken, c.Settings.Faulty, c.AllSettings = before.Settings.Taken, before.Settings.Faulty, before.AllSettings
		if c.Settings.Faulty.IsZero() {
			c.Settings.Faulty = time.Now()
		}
	} else {
		taken, started := *file, mc.started
		c.AllSettings = func() []adminapi.Setting { return settingsOf(&taken, &started, pending) }
	}
	c.Index()
	mc.shown.Store(c)
	if fault == "" && cfg.Store.Driver == config.DriverPostgres {
		sums := hashes(file)
		mc.sums.Store(&sums)
	}
	mc.operators.Changed(operators.TopicSettings | operators.TopicStatus)
}

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// warningCode is which of the known warnings one is.
func warningCode(cfg *config.Config, key string) string {
	switch {
	case key == "hermes.url" && cfg.UsesStandIn():
		return operators.CodeStandIn
	case strings.Contains(key, ".numbers["):
		return operators.CodeNumberShared
	}
	if client, rest := clientOf(cfg, key); client != nil && rest == ".password" && client.UsesShippedPassword() {
		return operators.CodeShippedPassword
	}
	return operators.CodeConfigWarning
}

// clientOf is the client that a key such as clients[7].password is of, and what follows it; nil = of none.
func clientOf(cfg *config.Config, key string) (c *config.Client, rest string) {
	index, ok := strings.CutPrefix(key, "clients[")
	number, rest, closed := strings.Cut(index, "]")
	i, err := strconv.Atoi(number)
	if !ok || !closed || err != nil || i < 0 || i >= len(cfg.Clients) {
		return nil, ""
	}
	return &cfg.Clients[i], rest
}

// nameClient puts a client's system_id into the place of its number.
func nameClient(cfg *config.Config, key string) string {
	if client, rest := clientOf(cfg, key); client != nil {
		return "clients[" + client.SystemID + "]" + rest
	}
	return key
}

// settingsOf lists every key of a file. What waits for a restart is still as the file was at the start.
func settingsOf(file, started *config.File, pending []string) []adminapi.Setting {
	was := map[string]config.Value{}
	if len(pending) > 0 {
		for _, v := range started.Values() {
			was[v.Key] = v
		}
	}
	all := []adminapi.Setting{}
	for _, v := range file.Values() {
		s := setting(v)
		if slices.ContainsFunc(pending, func(key string) bool {
			return v.Key == key || strings.HasPrefix(v.Key, key+"[") || strings.HasPrefix(v.Key, key+".")
		}) {
			s.Pending = s.Value
			before, had := was[v.Key]
			if !had {
				before = config.Value{Key: v.Key}
			}
			if before.Text == v.Text && !v.Secret {
				s.Pending = ""
			}
			s.Value = setting(before).Value
		}
		all = append(all, s)
	}
	return all
}

func setting(v config.Value) adminapi.Setting {
	s := adminapi.Setting{Key: v.Key, Value: v.Text, Secret: v.Secret, Source: v.Source(), Restart: !v.Live}
	if v.Secret {
		if s.Value = hidden; s.Source == config.FromDefault {
			s.Value = "" // there is none
		}
	}
	return s
}
