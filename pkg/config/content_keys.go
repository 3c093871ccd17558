package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ContentKey is one of store.encrypt_key: of AES-256.
type ContentKey struct {
	ID  string // "" = it was given none
	Key [32]byte
}

var contentKeyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// ContentKeys reads store.encrypt_key: a key of 32 octets in base64 or hexadecimal, or several with spaces, commas or ends of line
// between them, each with an id and a colon before it, but for one. Its errors quote none of it but ids.
func ContentKeys(text string) (keys []ContentKey, err error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	seen := map[string]bool{}
	for i, word := range words {
		id, value, named := strings.Cut(word, ":")
		switch {
		case !named:
			id, value = "", word
		case !contentKeyID.MatchString(id):
			return nil, fmt.Errorf("the id of key %d, before its colon, is of letters, digits, points, lines and underscores, 32 at most", i+1)
		}
		switch {
		case seen[id] && id == "":
			return nil, errors.New("of several keys one may have no id; write the others as id:key")
		case seen[id]:
			return nil, fmt.Errorf("the id %s is there twice", id)
		}
		seen[id] = true
		key, ok := contentKeyOf(value)
		if !ok {
			return nil, fmt.Errorf("key %d is not 32 octets in base64 or hexadecimal; make one with: openssl rand -base64 32", i+1)
		}
		keys = append(keys, ContentKey{id, key})
	}
	return keys, nil
}

func contentKeyOf(value string) (key [32]byte, ok bool) {
	decoders := []func(string) ([]byte, error){base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString}
	if len(value) == 2*len(key) {
		decoders = []func(string) ([]byte, error){hex.DecodeString}
	}
	for _, decode := range decoders {
		if b, err := decode(value); err == nil && len(b) == len(key) {
			copy(key[:], b)
			return key, key != [32]byte{}
		}
	}
	return key, false
}

// contentKeys checks what messages are sealed with.
func (k *checker) contentKeys(c *Store) {
	keys, err := ContentKeys(c.EncryptKey)
	switch {
	case err != nil:
		k.add("store.encrypt_key", "%s", err)
	case c.EncryptContent && len(keys) == 0 && c.EncryptKeyFile == "":
		k.add("store.encrypt_content", "needs a key: set store.encrypt_key or store.encrypt_key_file")
	case c.EncryptContent && len(keys) == 0:
		k.add("store.encrypt_key_file", "has no key in it; make one with: openssl rand -base64 32")
	}
}
