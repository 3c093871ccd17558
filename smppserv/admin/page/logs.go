package page

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"hnetsmpp/pkg/adminapi"
)

// logLines is how many lines of the log are shown.
const logLines = 200

type logData struct {
	Level, Contains string
	Lines           []adminapi.LogLine
}

// Levels to choose from, each with those above it.
func (v *view) LogLevels() (all []choice) {
	for _, level := range []string{"debug", "info", "warn", "error"} {
		all = append(all, choice{level, v.Name(level)})
	}
	return all
}

func (p *page) log(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "log", v.T("Log"), "log"
	q := v.r.URL.Query()
	d := logData{Level: cmp.Or(q.Get("level"), "info"), Contains: q.Get("contains")}
	var err error
	d.Lines, err = p.o.Operators.Log(ctx, d.Level, d.Contains, logLines)
	return d, err
}

// LogLevel is the level of a line as a tag.
func (v *view) LogLevel(level string) any {
	as := adminapi.Neutral
	switch level {
	case "warn":
		as = adminapi.Warning
	case "error", "fatal", "panic":
		as = adminapi.Bad
	}
	return v.tag(as, v.Name(level), level)
}

// LogFields are a line's fields, by name.
func (v *view) LogFields(fields map[string]string) (all []adminapi.Field) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, adminapi.Field{Name: name, Value: fields[name]})
	}
	return all
}

type auditData struct {
	adminapi.Audit
	Next string
}

// auditLines is how many entries of the audit are shown.
const auditLines = 100

func (p *page) audit(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "audit", v.T("Audit"), "audit"
	cursor := v.r.URL.Query().Get("cursor")
	if cursor != "" {
		v.Topics = ""
	}
	a, err := p.o.Operators.Audit(ctx, cursor, auditLines)
	if err != nil {
		return nil, err
	}
	d := auditData{Audit: a}
	if a.Next != "" {
		d.Next = v.Query("cursor", a.Next)
	}
	return d, nil
}

// Who is who did something.
func (v *view) Who(e adminapi.AuditEntry) string { return v.NameOf("who", e.Who) }

// Did is what was done.
func (v *view) Did(e adminapi.AuditEntry) string { return v.NameOf("audit", e.What) }

// AuditLink leads to what an entry is about.
func (v *view) AuditLink(e adminapi.AuditEntry) string {
	switch {
	case e.On == "":
		return ""
	case isID.MatchString(e.On):
		return messagePath(e.On)
	case slices.Contains([]string{"pause", "resume", "unbind", "hand-over", "trace"}, e.What):
		return clientPath(e.On)
	}
	return ""
}

type settingsData struct {
	adminapi.Settings
	Groups []settingGroup
	Find   string
}

// settingGroup is a table of config.toml.
type settingGroup struct {
	Name string
	Keys []adminapi.Setting
}

func (p *page) settings(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "settings", v.T("Settings"), "settings"
	s, err := p.o.Operators.Settings(ctx)
	if err != nil {
		return nil, err
	}
	d := settingsData{Settings: s, Find: strings.TrimSpace(v.r.URL.Query().Get("q"))}
	for _, key := range s.All {
		if d.Find != "" && !strings.Contains(strings.ToLower(key.Key+" "+key.Value), strings.ToLower(d.Find)) {
			continue
		}
		name := ""
		if at := strings.LastIndexByte(key.Key, '.'); at > 0 {
			name = key.Key[:at]
		}
		if n := len(d.Groups); n == 0 || d.Groups[n-1].Name != name {
			d.Groups = append(d.Groups, settingGroup{Name: name})
		}
		last := &d.Groups[len(d.Groups)-1]
		last.Keys = append(last.Keys, key)
	}
	return d, nil
}

// Source is where a value comes from.
func (v *view) Source(source string) string {
	if source == "default" {
		return v.T("default")
	}
	return source
}
