package conformance

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

// What integrators are told, in two languages.
var integratorsSheets = []string{"../../docs/integration.md", "../../docs/fr/integration.md"}

func readSheet(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// kannelSample is the group smsc that integrators are told to write. Kannel runs with it in TestInterop.
func kannelSample(t *testing.T, file string) string {
	t.Helper()
	_, rest, _ := strings.Cut(readSheet(t, file), "```kannel\n")
	group, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatalf("%s has no sample for Kannel", file)
	}
	return group
}

func TestIntegratorsSheetsHaveOneSampleForKannel(t *testing.T) {
	if a, b := kannelSample(t, integratorsSheets[0]), kannelSample(t, integratorsSheets[1]); a != b {
		t.Errorf("Kannel is told\n%sand\n%s", a, b)
	}
}

// Each status stands there with its own number, and each that a submit can be refused with is there.
func TestIntegratorsSheetsNameStatusesByTheirNumbers(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| ((?:R[A-Z_]+(?:, )?)+) \| ((?:0x[0-9A-F]+(?:, )?)+) \|`)
	for _, file := range integratorsSheets {
		there := map[smpp.Status]bool{}
		for _, m := range row.FindAllStringSubmatch(readSheet(t, file), -1) {
			names, numbers := strings.Split(m[1], ", "), strings.Split(m[2], ", ")
			if len(names) != len(numbers) {
				t.Errorf("%s: %v and %v", file, names, numbers)
				continue
			}
			for i, name := range names {
				var n uint32
				if _, err := fmt.Sscanf(numbers[i], "0x%X", &n); err != nil {
					t.Fatal(err)
				}
				if got, _, _ := strings.Cut(smpp.Status(n).String(), " "); got != name {
					t.Errorf("%s: %s is %s, not %s", file, numbers[i], got, name)
				}
				there[smpp.Status(n)] = true
			}
		}
		for _, s := range []smpp.Status{
			smpp.ROK, smpp.RINVMSGLEN, smpp.RINVCMDLEN, smpp.RINVBNDSTS, smpp.RINVPRTFLG, smpp.RINVREGDLVFLG, smpp.RSYSERR, smpp.RINVSRCADR,
			smpp.RINVDSTADR, smpp.RMSGQFUL, smpp.RINVSERTYP, smpp.RINVESMCLASS, smpp.RSUBMITFAIL, smpp.RINVSRCTON, smpp.RINVSRCNPI,
			smpp.RINVDSTTON, smpp.RINVDSTNPI, smpp.RINVREPFLAG, smpp.RTHROTTLED, smpp.RINVSCHED, smpp.RINVEXPIRY, smpp.RINVDFTMSGID,
			smpp.RINVOPTPARSTREAM, smpp.ROPTPARNOTALLWD, smpp.RINVPARLEN, smpp.RMISSINGOPTPARAM, smpp.RINVOPTPARAMVAL, smpp.RDELIVERYFAILURE,
		} {
			if !there[s] {
				t.Errorf("%s does not say when %v comes", file, s)
			}
		}
	}
}

// The receipts that the sheets show are octet by octet what the server writes.
func TestIntegratorsSheetsShowReceiptsAsTheyAreSent(t *testing.T) {
	for _, file := range integratorsSheets {
		shown := regexp.MustCompile(`(?m)^    (id:.*)$`).FindAllStringSubmatch(readSheet(t, file), -1)
		if len(shown) != 2 {
			t.Errorf("%s shows %d receipts", file, len(shown))
		}
		for _, m := range shown {
			r, err := smpp.ParseReceipt([]byte(m[1]))
			if err != nil || string(r.Append(nil)) != m[1] {
				t.Errorf("%s shows %q; sent is %q, %v", file, m[1], r.Append(nil), err)
			}
		}
	}
}
