package sms

import (
	"slices"
	"testing"
)

func TestEveryMessageIDIsFoundAgainUnderTheFormItWasGivenIn(t *testing.T) {
	for _, id := range []ID{1, 42, 0xABCDEF, 99_999_999, 100_000_000, 268_435_456, 0xFFFFFFFF} {
		for _, short := range []bool{false, true} {
			for _, hex := range []bool{false, true} {
				s := id.Format(hex, short)
				if short && len(s) > 8 {
					t.Errorf("%d is %q to a 3.3 client, longer than 8", id, s)
				}
				if !slices.Contains(ParseID(s, hex), id) {
					t.Errorf("%q is not read back as %d", s, id)
				}
			}
		}
	}
	for _, s := range []string{"", "0", "-1", "x", "042", "00ab", "99999999999999999999999"} {
		if ids := ParseID(s, false); len(ids) > 0 {
			t.Errorf("%q is read as %v", s, ids)
		}
	}
}

func TestShortIDsHaveEightCharacters(t *testing.T) {
	for id, want := range map[ID]string{1: "1", maxShortID: "99999999", maxShortID + 1: "5f5e100", 0xFFFFFFFF: "ffffffff"} {
		if got := id.Format(false, true); got != want {
			t.Errorf("%d is %q, want %q", id, got, want)
		}
	}
	if got := ID(maxShortID+1).Format(false, false); got != "100000000" {
		t.Errorf("a 3.4 client has %q", got)
	}
}

func TestDigitsThatOnlyAShortIDCanBeInHexadecimalAreReadSoFirst(t *testing.T) {
	for s, want := range map[string][]ID{
		"12345678": {0x12345678, 12345678}, "6000000": {0x6000000, 6000000}, "123": {123, 0x123}, "5999999": {5999999, 0x5999999},
	} {
		if got := ParseID(s, false); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
}
