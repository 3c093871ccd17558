// Package dotnet makes config.toml of the .NET service's .exe.config.
//
// The appSettings of the old file are laid over the defaults, each read by what
// is plausible, for the old file gives no units. Then those that make the
// configuration invalid are taken back, one at a time, until it is valid. What
// comes of it is a text that config.Load accepts: each key below the old setting
// that it comes from, and what is not taken over with the reason.
package dotnet

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"unicode"

	"hnetsmpp/pkg/config"
)

// Result is what became of an old file.
type Result struct {
	TOML        string   // config.Load accepts it; it may hold a password
	Taken, Left int      // settings of the old file
	Warnings    []string // without secrets
}

// setting is one oldKey and what the old file says of it.
type setting struct {
	oldKey
	Old          *oldSetting // nil = it is not there
	How, Problem string      // how it was read, or why it is not taken over
	Line         string      // of config.toml
	TLS          []string    // lines that Server.ListenParams may become
}

// Has reports whether there is a value. An empty one says nothing, but for a host and a password.
func (s *setting) Has() bool {
	return s.Old != nil && (strings.TrimSpace(s.Old.value) != "" || s.Name == "Server.ListenHost" || s.Name == "Authentication.Password")
}

// Taken reports whether the old value counts.
func (s *setting) Taken() bool { return s.Has() && s.Problem == "" }

// Required reports whether the key has no default.
func (s *setting) Required() bool {
	return s.Name == "UrlHermes" || strings.HasPrefix(s.Name, "Authentication.")
}

// Was is the setting as it stands in the old file. What is secret is shown only where it is taken over.
func (s *setting) Was() string {
	text := s.Name + ", in plain text"
	if s.Name != "Authentication.Password" {
		text = shown(s.Name, s.Old.value, !s.Taken() && secretValue.MatchString(s.Old.value))
	}
	if s.Old.times > 1 {
		text += fmt.Sprintf(" (the last of %d)", s.Old.times)
	}
	return text
}

// These keep the output well below what config.Load reads.
const (
	maxListed    = 500  // unknown settings, and sections
	longestValue = 2000 // octets
)

//go:embed import.tmpl
var importTemplate string

// Import turns the old file into config.toml, where it is called name. It is read in UTF-8, UTF-16 or the code pages of
// western Windows. check is what the configuration must pass besides Validate; what it refuses is laid to hermes.url.
// The error, which does not name the file, says why it is none of the .NET service, or cannot be read.
func Import(name string, data []byte, check func(*config.Config) error) (*Result, error) {
	old, err := readOldFile(data)
	if err != nil {
		return nil, err
	}
	cfg := base()
	settings := takeOver(old, &cfg)
	if err := settle(settings, &cfg, check); err != nil {
		return nil, err
	}
	result := &Result{}
	byName, known := map[string]*setting{}, map[*oldSetting]bool{nil: true}
	for _, s := range settings {
		byName[s.Name], known[s.Old] = s, true
		switch {
		case s.Problem != "":
			result.Left++
			s.Problem = printable(s.Problem)
			result.warn("%s is not taken over: %s", s.Name, s.Problem)
		case s.Has():
			result.Taken++
		}
		if s.field != nil {
			s.Line = s.line(&cfg)
		}
	}
	result.required(byName, &cfg)
	var unknown []string
	for _, s := range old.settings {
		if !known[s] {
			unknown = append(unknown, shown(s.key, s.value, secretKey.MatchString(s.key) || secretValue.MatchString(s.value)))
		}
	}
	if result.Left += len(unknown); len(unknown) > maxListed {
		unknown = append(unknown[:maxListed], fmt.Sprintf("and %d more", len(unknown)-maxListed))
	}
	if c := cfg.Clients[0]; c.Password == "" && !c.Disabled {
		result.warn("Authentication.Password is empty: anybody who knows the system_id can bind")
	}
	if old.external != "" {
		result.warn("the settings in the second file %s win over these, and were not read; import it too", quote(old.external))
	}
	if len(known) == 1 { // nil
		result.warn("it has no setting of the service; is it the right file?")
	}
	var text strings.Builder
	err = template.Must(template.New("config.toml").Funcs(template.FuncMap{"quote": quote, "printable": printable}).Parse(importTemplate)).
		Execute(&text, map[string]any{"File": shorten(name), "Settings": byName, "Config": cfg, "External": shorten(old.external),
			"Unknown": unknown, "Sections": old.sections})
	result.TOML = text.String()
	return result, err
}

// base is what an old file is laid over: the defaults, and something in the place of what has none, so that the new file can
// be loaded, bind nobody, and say what is missing.
func base() config.Config {
	cfg := config.Default()
	client := config.DefaultClient()
	client.SystemID = "change-me"
	cfg.Clients, cfg.Hermes.URL = []config.Client{client}, config.Simulator
	return cfg
}

// required settles what a new file must say and the old one does not. A client without its name or its password is rather
// disabled than open to those that everybody knows.
func (r *Result) required(settings map[string]*setting, cfg *config.Config) {
	for _, name := range []string{"Authentication.Login", "Authentication.Password"} {
		if s := settings[name]; !s.Taken() {
			cfg.Clients[0].Disabled = true
			r.warn("%s: the client is disabled until %s is set", name, s.key)
		}
	}
	switch {
	case settings["UrlHermes"].Taken():
	case cfg.Mode == config.ModeOpportunity:
		cfg.Hermes.URL = ""
	default:
		r.warn(`UrlHermes: hermes.url is "simulator", a stand-in that reaches nobody; give the URL of Hermès`)
	}
}

func (r *Result) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// takeOver puts the old settings into cfg, as far as they can be read.
func takeOver(old *oldFile, cfg *config.Config) []*setting {
	var settings []*setting
	for _, k := range oldKeys {
		s := &setting{oldKey: k, Old: old.byKey[strings.ToLower(k.Name)]}
		settings = append(settings, s)
		var err error
		switch {
		case !s.Has() && k.Name == "Mode":
			cfg.Mode = config.ModeOpportunity // the old default
		case !s.Has():
		case k.field != nil && len(s.Old.value) > longestValue:
			s.reject(cfg, "is too long")
		case k.field == nil:
			s.TLS, s.Problem = listenParams(s.Old.value), "TLS is off until its certificate and key are here as PEM files"
		default:
			if s.How, err = k.set(cfg, s.Old.value); err != nil {
				s.reject(cfg, err.Error())
			}
		}
	}
	return settings
}

// reject leaves in effect what base has.
func (s *setting) reject(cfg *config.Config, why string) {
	s.reset(cfg)
	s.Problem = why
}

// settle rejects, one at a time, what the checks object to.
func settle(settings []*setting, cfg *config.Config, check func(*config.Config) error) error {
	for {
		p := firstProblem(cfg, check)
		if p == nil {
			return nil
		}
		var culprit *setting
		why := ""
		for _, s := range settings {
			switch {
			case !s.Taken():
			case s.key == p.Key:
				culprit, why = s, p.Text
			case culprit == nil && strings.HasSuffix(p.Text, " by "+s.key): // two equal ports are a problem of the second
				culprit, why = s, "is also the port of "+p.Key
			}
		}
		switch {
		case p.Key == "admin.listen": // clients know the old port, nobody knows this one
			cfg.Admin.Listen = ""
		case culprit == nil:
			return fmt.Errorf("makes a configuration that is not valid: %s", p)
		default:
			culprit.reject(cfg, why)
		}
	}
}

func firstProblem(cfg *config.Config, check func(*config.Config) error) *config.Problem {
	var problems *config.Error
	if errors.As(cfg.Validate(), &problems) {
		return &problems.Problems[0]
	}
	if check(cfg) != nil {
		return &config.Problem{Key: "hermes.url", Text: "is not a URL that can be posted to"}
	}
	return nil
}

var (
	secretKey   = regexp.MustCompile(`(?i)pass|pwd|mdp|secret|token|key|auth|conn|credential|dsn|licen[cs]e|login|user`)
	secretValue = regexp.MustCompile(`(?i)pass|pwd|mdp|secret|token|\wkey=|://[^/\s]*@|bearer |basic `)
)

// shown is a setting as the old file has it, but for what may be secret. It rather hides too much: the old file still has it.
func shown(key, value string, hide bool) string {
	if hide {
		return printable(shorten(key)) + " (not shown: it may be secret)"
	}
	return printable(shorten(key)) + " = " + quote(shorten(value))
}

// quote makes a TOML string that shows also what cannot be printed.
func quote(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return `"` + b.String() + `"`
}

// printable keeps a comment on its line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// shorten keeps a strange value from filling the screen.
func shorten(s string) string {
	const most = 200
	if letters := []rune(s); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return s
}
