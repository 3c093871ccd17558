package centre

import (
	"fmt"
	"testing"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smstext"
)

func TestEveryAlphabetMayBeNamedForADataCoding(t *testing.T) {
	cfg := config.Default()
	cfg.Hermes.URL = config.Simulator
	c := config.DefaultClient()
	c.SystemID, c.Alphabets = "acme", map[string]string{}
	for a := smstext.GSM7; a <= smstext.Hebrew; a++ {
		c.Alphabets[fmt.Sprint(200+int(a))] = a.String()
	}
	cfg.Clients = []config.Client{c}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	got := smscSettings(&cfg).Clients[0].Alphabets
	for a := smstext.GSM7; a <= smstext.Hebrew; a++ {
		if meant, ok := got[200+byte(a)]; !ok || meant != a {
			t.Errorf("%v is taken for %v", a, meant)
		}
	}
}
