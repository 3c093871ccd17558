package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"hnetsmpp/pkg/tomlstrict"
)

// maxSecretSize bounds what is read as a secret.
const maxSecretSize = 64 << 10

var (
	variable = regexp.MustCompile(`^\$?\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	opening  = regexp.MustCompile(`\$?\$\{[^}]*\}?`)
)

// substitute is what a text of the file stands for: one that is nothing but ${NAME} for that variable of the environment, in
// store.dsn and in the headers also within. $${ stands for ${. Its errors do not quote the text.
func substitute(key, text string) (string, error) {
	within := key == "store.dsn" || strings.HasPrefix(key, "hermes.request.headers.")
	switch {
	case !within && variable.MatchString(text):
		return valueOf(text)
	case !within || !strings.Contains(text, "${"):
		return text, nil
	}
	var fault error
	text = opening.ReplaceAllStringFunc(text, func(found string) string {
		switch {
		case strings.HasPrefix(found, "$$"):
			return found[1:]
		case !variable.MatchString(found):
			fault = errors.Join(fault, errors.New("holds ${ without a name and } behind it; write ${NAME}, or $${ for ${ itself"))
			return found
		}
		value, err := valueOf(found)
		fault = errors.Join(fault, err)
		return value
	})
	return text, fault
}

// variablesIn names the variables of the environment that a text was made with.
func variablesIn(text string) (names []string) {
	for _, found := range opening.FindAllString(text, -1) {
		if !strings.HasPrefix(found, "$$") && variable.MatchString(found) {
			names = append(names, found[2:len(found)-1])
		}
	}
	return names
}

// valueOf is that of ${NAME}, or ${NAME} itself for $${NAME}.
func valueOf(found string) (string, error) {
	if strings.HasPrefix(found, "$$") {
		return found[1:], nil
	}
	name := found[2 : len(found)-1]
	value := os.Getenv(name)
	if value == "" {
		return "", fmt.Errorf("the environment variable %s is not set, or empty, for this program; for ${ itself write $${", name)
	}
	return value, nil
}

// secret is a key with a sister that names a file instead.
type secret struct {
	key         string
	value, file *string
	dflt        string // what the key is where the file has it not
}

// secrets are the keys that hold one, but for the headers.
func (c *Config) secrets() []secret {
	all := []secret{
		{"hermes.secret", &c.Hermes.Secret, &c.Hermes.SecretFile, ""},
		{"tcp.token", &c.TCP.Token, &c.TCP.TokenFile, ""},
		{"mail.password", &c.Mail.Password, &c.Mail.PasswordFile, ""},
		{"store.dsn", &c.Store.DSN, &c.Store.DSNFile, Default().Store.DSN},
		{"store.encrypt_key", &c.Store.EncryptKey, &c.Store.EncryptKeyFile, ""},
	}
	for i := range c.Clients {
		client, key := &c.Clients[i], tomlstrict.Index("clients", i)
		all = append(all, secret{key + ".password", &client.Password, &client.PasswordFile, ""},
			secret{key + ".outbind_password", &client.OutbindPassword, &client.OutbindPasswordFile, ""})
	}
	for i := range c.Alerts {
		alert := &c.Alerts[i]
		all = append(all, secret{tomlstrict.Index("alerts", i) + ".webhook", &alert.Webhook, &alert.WebhookFile, ""})
	}
	for i := range c.Admin.Users {
		user := &c.Admin.Users[i]
		all = append(all, secret{tomlstrict.Index("admin.users", i) + ".password", &user.Password, &user.PasswordFile, ""})
	}
	return all
}

// readSecrets fills in what stands in files of its own. Their paths are absolute. written tells which keys config.toml has.
func (k *checker) readSecrets(c *Config, written func(key string) bool) {
	for _, s := range c.secrets() {
		if *s.file == "" {
			continue
		}
		if *s.value != "" && (*s.value != s.dflt || written(s.key)) {
			k.add(s.key+"_file", "is set, and %s too: leave one of them out", s.key)
			continue
		}
		if !namesFile(*s.file) {
			continue
		}
		value, err := readSecret(*s.file)
		if err != nil {
			k.add(s.key+"_file", "%s", err)
		}
		*s.value = value
	}
	for name, file := range c.Hermes.Request.HeadersFile {
		key := tomlstrict.Join("hermes.request.headers_file", name)
		if other, both := sameHeader(c.Hermes.Request.Headers, name); both {
			k.add(key, "is set, and %s too: leave one of them out", tomlstrict.Join("hermes.request.headers", other))
			continue
		}
		if !namesFile(file) {
			continue
		}
		value, err := readSecret(file)
		if err != nil {
			k.add(key, "%s", err)
			continue
		}
		if c.Hermes.Request.Headers == nil {
			c.Hermes.Request.Headers = map[string]string{}
		}
		c.Hermes.Request.Headers[name] = value
	}
}

// sameHeader finds the name that is another one's, in whatever capitals.
func sameHeader(headers map[string]string, name string) (other string, ok bool) {
	for other := range headers {
		if strings.EqualFold(other, name) {
			return other, true
		}
	}
	return "", false
}

// readSecret is a file's content less one end of line. Its errors name the file, and nothing of what it holds.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s %w", path, cannotRead(err))
	}
	if !info.Mode().IsRegular() { // reading a device or a pipe might never end
		return "", fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s %w", path, cannotRead(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretSize+1))
	if err != nil {
		return "", fmt.Errorf("%s %w", path, cannotRead(err))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Notepad's
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	switch {
	case len(data) == 0:
		return "", fmt.Errorf("%s is empty", path)
	case len(data) > maxSecretSize:
		return "", fmt.Errorf("%s is larger than %d KiB: is it the right file?", path, maxSecretSize>>10)
	case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
		return "", fmt.Errorf("%s is not UTF-8; save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)", path)
	}
	return string(data), nil
}

// Certificates are the files of certificates, their keys and authorities that are in use, by the key that names them.
func (c *Config) Certificates() map[string]string {
	files := map[string]string{"hermes.tls.ca_file": c.Hermes.TLS.CAFile, "hermes.tls.cert_file": c.Hermes.TLS.CertFile, "hermes.tls.key_file": c.Hermes.TLS.KeyFile,
		"admin.cert_file": c.Admin.CertFile, "admin.key_file": c.Admin.KeyFile}
	for table, port := range map[string]*PortTLS{"server.tls": &c.Server.TLS, "tcp.tls": &c.TCP.TLS} {
		if port.ListenPort != 0 {
			files[table+".cert_file"], files[table+".key_file"], files[table+".client_ca_file"] = port.CertFile, port.KeyFile, port.ClientCAFile
		}
	}
	for key, file := range files {
		if file == "" {
			delete(files, key)
		}
	}
	return files
}

// Files are the paths of all files that the configuration is read from besides its own, each once, in their order: a change of one
// of them changes what the configuration says.
func (c *Config) Files() []string {
	var files []string
	for _, file := range c.Certificates() {
		files = append(files, file)
	}
	for _, s := range c.secrets() {
		if *s.file != "" {
			files = append(files, *s.file)
		}
	}
	for _, file := range c.Hermes.Request.HeadersFile {
		files = append(files, file)
	}
	slices.Sort(files)
	return slices.Compact(files)
}
