package mention

import "testing"

func TestANumberIsFoundWhereItStandsForItself(t *testing.T) {
	const number = "33612345678"
	for text, want := range map[string]bool{
		`{"from":"33612345678","to":"3600"}`:      true,
		`{"from":"+33612345678"}`:                 true,
		"33612345678":                             true,
		"\x0133612345678\x00":                     true,
		`{"text":"call\n33612345678"}`:            true,
		`{"text":"call \u003c33612345678\u003e"}`: true,
		`{"id":"133612345678"}`:                   false,
		`{"id":"336123456789"}`:                   false,
		`{"id":"336123456789 33612345678"}`:       true,
		"GET /sms?to=%2B33612345678&text=x":       true,
		"GET /sms?to=%2b33612345678":              true,
		"GET /sms/3600%2F33612345678":             true,
		"%3133612345678":                          false, // 133612345678
		"%4a33612345678":                          false,
		"2B33612345678":                           false,
		"%2G33612345678":                          false,
		"":                                        false,
	} {
		if got := Of(number).In([]byte(text)); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
	if !Of("Œuvre").In([]byte(`{"from":"Œuvre"}`)) || !Of("a<b>c").In([]byte(`{"from":"a\u003cb\u003ec"}`)) {
		t.Error("a name is not found")
	}
	if Of("").In([]byte("x")) {
		t.Error("nothing is found")
	}
}

func TestANumberIsReplacedWhereverItStands(t *testing.T) {
	if got, want := Of("33612345678").Without("33612345678 +33612345678,133612345678&to=%2b33612345678", "x"), "x x,133612345678&to=x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
