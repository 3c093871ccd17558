package smstext_test

import (
	"strings"
	"testing"

	"hnetsmpp/pkg/smstext"
)

func benchTexts() map[string]string {
	return map[string]string{"gsm7": strings.Repeat("Bonjour, ça va ? ", 9), "ucs2": strings.Repeat("Œuvre 😀 ", 9)}
}

func BenchmarkEncode(b *testing.B) {
	for name, text := range benchTexts() {
		a, _ := smstext.ParseAlphabet(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				smstext.Encode(a, text)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, text := range benchTexts() {
		a, _ := smstext.ParseAlphabet(name)
		octets, _ := smstext.Encode(a, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				smstext.Decode(a, octets)
			}
		})
	}
}
