package config

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestContentKeysAreReadInEveryForm(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789abcd\xfb\xff")
	plain, other := base64.StdEncoding.EncodeToString(raw), hex.EncodeToString([]byte(strings.Repeat("k", 32)))
	for _, c := range []struct {
		text string
		ids  string // of the keys that are read, "" of a fault
	}{
		{plain, "<>"}, {base64.RawURLEncoding.EncodeToString(raw), "<>"}, {"a1:" + other, "<a1>"}, {"new:" + plain + ",old:" + other, "<new><old>"},
		{"new:" + plain + "\n" + other + "\r\n", "<new><>"}, {"", "-"},
		{"short", ""}, {plain[:40], ""}, {plain + " " + other, ""}, {"a:" + plain + " a:" + other, ""}, {"é:" + plain, ""}, {strings.Repeat("0", 64), ""},
		{":" + plain, ""}, {"a:b:" + plain, ""}, {other[:62] + "zz", ""},
	} {
		keys, err := ContentKeys(c.text)
		ids := ""
		for _, k := range keys {
			ids += "<" + k.ID + ">"
		}
		if err == nil && len(keys) == 0 {
			ids = "-"
		}
		if ids != c.ids || (err != nil) != (c.ids == "") {
			t.Errorf("%s: %s, %v", c.text, ids, err)
		}
		if err != nil && (strings.Contains(err.Error(), "short") || strings.Contains(err.Error(), plain[:8])) {
			t.Errorf("a fault quotes a key: %v", err)
		}
	}
	if keys, err := ContentKeys(plain); err != nil || string(keys[0].Key[:]) != string(raw) {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestEncryptionWithoutAKeyIsAFault(t *testing.T) {
	for text, want := range map[string]string{
		"encrypt_content = true":                           "store.encrypt_content: needs a key",
		"encrypt_content = true\nencrypt_key = \"hush\"":   "store.encrypt_key: key 1 is not 32 octets",
		"encrypt_key = \"hush\"":                           "store.encrypt_key: key 1 is not 32 octets",
		"encrypt_content = true\nencrypt_key_file = \"x\"": "store.encrypt_key_file: ",
	} {
		_, _, err := loads(t, "[store]\n"+text+"\n", map[string]string{"x": "\n"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
