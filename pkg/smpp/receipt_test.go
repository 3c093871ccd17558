package smpp_test

import (
	"regexp"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var receipt = smpp.Receipt{
	ID: "1042", Submitted: 1, Delivered: 1,
	SubmitDate: time.Date(2026, 11, 23, 10, 1, 0, 0, time.UTC),
	DoneDate:   time.Date(2026, 11, 23, 10, 2, 0, 0, time.UTC),
	State:      smpp.StateDelivered, Text: "Bonjour",
}

const receiptText = "id:1042 sub:001 dlvrd:001 submit date:2611231001 done date:2611231002 stat:DELIVRD err:000 Text:Bonjour"

func TestAReceiptHasTheFormOfAppendixB(t *testing.T) {
	form := regexp.MustCompile(`^id:\S{1,64} sub:\d{3} dlvrd:\d{3} submit date:\d{10} done date:\d{10} stat:[A-Z]{7} err:\d{3} [Tt]ext:.{0,20}$`)
	if got := string(receipt.Append(nil)); got != receiptText {
		t.Errorf("DLR-04:\n%s, want\n%s", got, receiptText)
	}
	failed := receipt
	failed.State, failed.Delivered, failed.Err = smpp.StateUndeliverable, 0, 404
	if got, want := string(failed.Append([]byte("> "))), "> id:1042 sub:001 dlvrd:000 submit date:2611231001 done date:2611231002 stat:UNDELIV err:404 Text:Bonjour"; got != want {
		t.Errorf("DLR-05:\n%s, want\n%s", got, want)
	}
	for s := range smpp.StateSkipped + 1 {
		for _, n := range []int{-1, 0, 7, 999, 1000} {
			r := smpp.Receipt{ID: "1", State: s, Submitted: n, Delivered: n, Err: n}
			if got := r.Append(nil); !form.Match(got) {
				t.Errorf("DLR-04: %s", got)
			}
		}
	}
}

func TestTheTextOfAReceiptIsShortAndASCII(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"12345678901234567890":  "12345678901234567890",
		"12345678901234567890x": "12345678901234567890",
		"été\x80":               "?t??",
		"\U0001F600\U0001F600":  "??",
		"a\nb\r\nc\td\x00e\x7f": "a b  c d.e.",
		"ééééééééééééééééééééreste": "????????????????????",
	} {
		r := receipt
		r.Text = text
		got := string(r.Append(nil))
		if got != receiptText[:len(receiptText)-len("Bonjour")]+want {
			t.Errorf("%q is %q, want %q", text, got[len(receiptText)-len("Bonjour"):], want)
		}
	}
}

func TestParseReceiptReadsTheReceiptsOfOthers(t *testing.T) {
	change := func(f func(*smpp.Receipt)) smpp.Receipt {
		r := receipt
		f(&r)
		return r
	}
	tests := []struct {
		name, s string
		want    smpp.Receipt
	}{
		{"ours", receiptText, receipt},
		{"seconds and a small text", "id:1042 sub:001 dlvrd:001 submit date:261123100105 done date:261123100259 stat:DELIVRD err:000 text:Bonjour",
			change(func(r *smpp.Receipt) {
				r.SubmitDate, r.DoneDate = r.SubmitDate.Add(5*time.Second), r.DoneDate.Add(59*time.Second)
			})},
		{"neither sub nor dlvrd", "id:1042 submit date:2611231001 done date:2611231002 stat:DELIVRD err:000 Text:Bonjour",
			change(func(r *smpp.Receipt) { r.Submitted, r.Delivered = 0, 0 })},
		{"no text", "id:1042 sub:001 dlvrd:001 submit date:2611231001 done date:2611231002 stat:DELIVRD err:000",
			change(func(r *smpp.Receipt) { r.Text = "" })},
		{"a text that looks like keys", receiptText + " id:7 stat:EXPIRED text:x",
			change(func(r *smpp.Receipt) { r.Text = "Bonjour id:7 stat:EXPIRED text:x" })},
		{"capital keys and a whole state", "ID:1042 SUB:001 DLVRD:001 SUBMIT DATE:2611231001 DONE DATE:2611231002 STAT:Delivered ERR:000 TEXT:Bonjour", receipt},
		{"what cannot be read", "id:1042 sub:x dlvrd:001 submit date:2613231001 done date:2611231002 stat:DELIVRD err:0xA Text:Bonjour",
			change(func(r *smpp.Receipt) { r.Submitted, r.SubmitDate = 0, time.Time{} })},
		{"no dates", "id:1042 sub:001 dlvrd:001 submit date:0000000000 done date:0000000000 stat:DELIVRD err:000 Text:Bonjour",
			change(func(r *smpp.Receipt) { r.SubmitDate, r.DoneDate = time.Time{}, time.Time{} })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := smpp.ParseReceipt([]byte(test.s))
			if err != nil || got != test.want {
				t.Errorf("%+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestParseReceiptRefusesWhatNamesNoMessageOrState(t *testing.T) {
	for _, s := range []string{"", "Bonjour", "id: stat:DELIVRD", "stat:DELIVRD", "id:1042", "id:1042 stat:FINE", "text:id:1042 stat:DELIVRD"} {
		if r, err := smpp.ParseReceipt([]byte(s)); err == nil {
			t.Errorf("%q is %+v", s, r)
		}
	}
}
