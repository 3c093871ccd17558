package translate

import (
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

func TestASourceIsAnyVisibleAddress(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   smpp.Address
		want sms.Address
		err  smpp.Status
	}{
		{"number", smpp.Address{TON: 1, NPI: 1, Addr: "4917"}, sms.Address{TON: 1, NPI: 1, Number: "4917"}, smpp.ROK},
		{"plus", smpp.Address{TON: 1, NPI: 1, Addr: "+4917"}, sms.Address{TON: 1, NPI: 1, Number: "4917"}, smpp.ROK},
		{"none", smpp.Address{}, sms.Address{}, smpp.ROK},
		{"the last TON", smpp.Address{TON: 6, Addr: "1"}, sms.Address{TON: 6, Number: "1"}, smpp.ROK},
		{"a reserved TON", smpp.Address{TON: 7, Addr: "1"}, sms.Address{}, smpp.RINVSRCTON},
		{"the last NPI", smpp.Address{NPI: 18, Addr: "1"}, sms.Address{NPI: 18, Number: "1"}, smpp.ROK},
		{"a reserved NPI", smpp.Address{NPI: 19, Addr: "1"}, sms.Address{}, smpp.RINVSRCNPI},
		{"eleven characters", smpp.Address{TON: 5, Addr: "eleven char"}, sms.Address{TON: 5, Number: "eleven char"}, smpp.ROK},
		{"twelve characters", smpp.Address{TON: 5, Addr: "twelve chars"}, sms.Address{}, smpp.RINVSRCADR},
		{"a long number", smpp.Address{TON: 1, Addr: "12345678901234567890"}, sms.Address{TON: 1, Number: "12345678901234567890"}, smpp.ROK},
		{"space and tilde", smpp.Address{TON: 5, Addr: " ~"}, sms.Address{TON: 5, Number: " ~"}, smpp.ROK},
		{"high octets", smpp.Address{TON: 5, Addr: "\x80\xFF"}, sms.Address{TON: 5, Number: "latin1:\u0080ÿ"}, smpp.ROK},
		{"unit separator", smpp.Address{TON: 5, Addr: "a\x1F"}, sms.Address{}, smpp.RINVSRCADR},
		{"delete", smpp.Address{TON: 5, Addr: "\x7Fa"}, sms.Address{}, smpp.RINVSRCADR},
		{"control character in a number", smpp.Address{TON: 1, Addr: "12\n34"}, sms.Address{}, smpp.RINVSRCADR},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := (&Profile{}).Source(tc.in)
			if expectStatus(t, err, tc.err); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestAnEmptySourceIsTheClientsDefault(t *testing.T) {
	p := &Profile{DefaultSource: "ACME"}
	for given, want := range map[smpp.Address]sms.Address{
		{}:                             {TON: 5, Number: "ACME"},
		{TON: 99, NPI: 99}:             {TON: 5, Number: "ACME"}, // of no address
		{TON: 1, NPI: 1, Addr: "4917"}: {TON: 1, NPI: 1, Number: "4917"},
	} {
		if got, err := p.Source(given); err != nil || got != want {
			t.Errorf("%+v is %+v, %v; want %+v", given, got, err, want)
		}
	}
}

func TestADestinationIsANumber(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   smpp.Address
		want string
		err  smpp.Status
	}{
		{"number", smpp.Address{TON: 1, NPI: 1, Addr: "0123456789"}, "0123456789", smpp.ROK},
		{"plus", smpp.Address{Addr: "+1"}, "1", smpp.ROK},
		{"two of them", smpp.Address{Addr: "++1"}, "", smpp.RINVDSTADR},
		{"plus alone", smpp.Address{Addr: "+"}, "", smpp.RINVDSTADR},
		{"none", smpp.Address{}, "", smpp.RINVDSTADR},
		{"letters", smpp.Address{Addr: "12a45"}, "", smpp.RINVDSTADR},
		{"the last TON", smpp.Address{TON: 6, Addr: "1"}, "1", smpp.ROK},
		{"a reserved TON", smpp.Address{TON: 7, Addr: "1"}, "", smpp.RINVDSTTON},
		{"alphanumeric", smpp.Address{TON: 5, Addr: "1"}, "", smpp.RINVDSTTON},
		{"the last NPI", smpp.Address{NPI: 18, Addr: "1"}, "1", smpp.ROK},
		{"a reserved NPI", smpp.Address{NPI: 19, Addr: "1"}, "", smpp.RINVDSTNPI},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Dest(tc.in)
			expectStatus(t, err, tc.err)
			if tc.err == smpp.ROK && got != (sms.Address{TON: tc.in.TON, NPI: tc.in.NPI, Number: tc.want}) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestANumberThatNobodyUsedIsWrittenByItsLength(t *testing.T) {
	for number, want := range map[string]sms.Address{
		"12345678":  {TON: 0, NPI: 1, Number: "12345678"},
		"123456789": {TON: 1, NPI: 1, Number: "123456789"},
		"ACME":      {TON: 5, NPI: 0, Number: "ACME"},
		"1a":        {TON: 5, NPI: 0, Number: "1a"},
		"Müller":    {TON: 5, NPI: 0, Number: "latin1:Müller"},
		"客户":        {TON: 5, NPI: 0, Number: "客户"},
	} {
		if got := DefaultAddress(number); got != want {
			t.Errorf("%s is %+v, want %+v", number, got, want)
		}
	}
}

func TestASourceGoesBackInTheOctetsItCameIn(t *testing.T) {
	seen := map[string]string{}
	for _, octets := range []string{"4917", "ACME", "\xD6sterreich", "Österreich", "\xC3\x96", "\xD6", "latin1:\xD6", "latin1:Ö", "latin1:x", "\x80\xFF", "*100#"} {
		a, err := (&Profile{}).Source(smpp.Address{TON: 5, Addr: octets})
		if err != nil {
			t.Fatalf("%q: %v", octets, err)
		}
		if got := address(a); got != (smpp.Address{TON: 5, Addr: octets}) {
			t.Errorf("%q comes back as %q", octets, got.Addr)
		}
		if other, double := seen[a.Number]; double {
			t.Errorf("%q and %q are both %q", octets, other, a.Number)
		}
		seen[a.Number] = octets
		if !slices.Contains(Numbers(a.Text()), a.Number) {
			t.Errorf("who answers %q does not find %q", a.Text(), a.Number)
		}
	}
}

func TestANumberThatNobodyUsedMustBeDigitsOrANameInLatin1(t *testing.T) {
	for text, want := range map[string]string{
		"33612345678": "", "Kunde": "", "1a": "", "Müller": "", "24/7": "must be digits", "06 12": "must be digits", " ": "must be digits",
		"客户": "cannot be written", "a–b": "cannot be written",
	} {
		if err := CheckDefault(text); (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "to: ")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
