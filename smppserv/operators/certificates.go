package operators

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// certificate is one that is in use.
type certificate struct {
	key, file string
	ends      time.Time
}

// certificatesGood is how long what was read of them is good.
const certificatesGood = time.Minute

type certificates struct {
	mu    sync.Mutex
	of    string
	seen  []certificate
	until time.Time
}

// ends lists until when the certificates in these files are valid, by the keys that name them. Files of keys have none.
func (c *certificates) ends(files map[string]string, now time.Time) []certificate {
	of := ""
	for _, key := range slices.Sorted(maps.Keys(files)) {
		of += key + "\x00" + files[key] + "\x00"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if of == c.of && now.Before(c.until) {
		return c.seen
	}
	c.of, c.until, c.seen = of, now.Add(certificatesGood), nil
	for _, key := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(key, "key_file") {
			continue
		}
		if ends, ok := endOf(files[key]); ok {
			c.seen = append(c.seen, certificate{key, files[key], ends})
		}
	}
	return c.seen
}

// endOf is when the first of the certificates in a file ends: what is used of it may be any.
func endOf(file string) (ends time.Time, ok bool) {
	data, err := os.ReadFile(file)
	for err == nil {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && (!ok || c.NotAfter.Before(ends)) {
			ends, ok = c.NotAfter, true
		}
	}
	return ends, ok
}
