package smstext

import (
	"strconv"
	"strings"
)

// languages is one more than the highest identifier.
const languages = 14

// The tables of 23.038 annex A, by their identifiers. Where the editions of the standard differ, or print a slip, this is
// what phones write: Kannada 0x24 is U+0CA1 (some editions repeat U+0CAA of 0x3D), and Telugu has the euro sign that all
// its sisters have.
var (
	lockingTables = [languages]*septetTable{ // A.3; 0 and 2 are the default
		1:  changed(&gsmDefault, "04€ 07ı 0BĞ 0Cğ 1CŞ 1Dş 40İ 60ç"),
		3:  changed(&gsmDefault, "04ê 06ú 07í 08ó 09ç 0BÔ 0Cô 0EÁ 0Fá 12ª 13Ç 14À 15∞ 16^ 17\\ 18€ 19Ó 1A| 1CÂ 1Dâ 1EÊ 24º 40Í 5BÃ 5CÕ 5DÚ 60~ 7Bã 7Cõ 7D`"),
		4:  script(0x0900, bengali),
		5:  script(0x0A00, gujarati),
		6:  script(0x0900, hindi),
		7:  script(0x0C00, kannada),
		8:  script(0x0D00, malayalam),
		9:  script(0x0B00, oriya),
		10: script(0x0A00, punjabi),
		11: script(0x0B00, tamil),
		12: script(0x0C00, telugu),
		13: script(0x0600, urdu),
	}
	singleTables = [languages]*septetTable{ // A.2; 0 is the default
		1:  changed(&gsmExtension, "47Ğ 49İ 53Ş 63ç 67ğ 69ı 73ş"),
		2:  changed(&gsmExtension, "09ç 41Á 49Í 4FÓ 55Ú 61á 69í 6Fó 75ú"),
		3:  changed(&gsmExtension, "05ê 09ç 0BÔ 0Cô 0EÁ 0Fá 12Φ 13Γ 15Ω 16Π 17Ψ 18Σ 19Θ 1FÊ 41À 49Í 4FÓ 55Ú 5BÃ 5CÕ 61Â 69í 6Fó 75ú 7Bã 7Cõ 7Fâ"),
		4:  scriptSigns("9E6 9E7 9E8 9E9 9EA 9EB 9EC 9ED 9EE 9EF 9DF 9E0 9E1 9E2 9E3 9F2 9F3 9F4 9F5 9F6 9F7 9F8 9F9 9FA"),
		5:  scriptSigns("964 965 AE6 AE7 AE8 AE9 AEA AEB AEC AED AEE AEF"),
		6:  scriptSigns("964 965 966 967 968 969 96A 96B 96C 96D 96E 96F 951 952 953 954 958 959 95A 95B 95C 95D 95E 95F 960 961 962 963 970 971"),
		7:  scriptSigns("964 965 CE6 CE7 CE8 CE9 CEA CEB CEC CED CEE CEF CDE CF1 CF2"),
		8:  scriptSigns("964 965 D66 D67 D68 D69 D6A D6B D6C D6D D6E D6F D70 D71 D72 D73 D74 D75 D7A D7B D7C D7D D7E D7F"),
		9:  scriptSigns("964 965 B66 B67 B68 B69 B6A B6B B6C B6D B6E B6F B5C B5D B5F B70 B71"),
		10: scriptSigns("964 965 A66 A67 A68 A69 A6A A6B A6C A6D A6E A6F A59 A5A A5B A5C A5E A75"),
		11: scriptSigns("964 965 BE6 BE7 BE8 BE9 BEA BEB BEC BED BEE BEF BF3 BF4 BF5 BF6 BF7 BF8 BFA"),
		12: scriptSigns(".. .. C66 C67 C68 C69 C6A C6B C6C C6D C6E C6F C58 C59 C78 C79 C7A C7B C7C C7D C7E C7F"),
		13: scriptSigns("600 601 6F0 6F1 6F2 6F3 6F4 6F5 6F6 6F7 6F8 6F9 60C 60D 60E 60F 610 611 612 613 614 61B 61F 640 652 658 66B 66C 672 673 6CD 6D4"),
	}
)

// The letters of the scripts in the order of their locking tables: the last two digits of each code point, .. where
// the table is empty. The septets that they stand at are scriptSlots.
const (
	bengali = "81 82 83 85 86 87 88 89 8A 8B 8C .. .. 8F 90 .. .. 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2 A3 A4 A5 A6 A7 A8 .. " +
		"AA AB AC AD AE AF B0 .. B2 .. .. .. B6 B7 B8 B9 BC BD BE BF C0 C1 C2 C3 C4 .. .. C7 C8 .. .. CB CC CD CE D7 DC DD F0 F1"
	gujarati = "81 82 83 85 86 87 88 89 8A 8B 8C 8D .. 8F 90 91 .. 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2 A3 A4 A5 A6 A7 A8 .. " +
		"AA AB AC AD AE AF B0 .. B2 B3 .. B5 B6 B7 B8 B9 BC BD BE BF C0 C1 C2 C3 C4 C5 .. C7 C8 C9 .. CB CC CD D0 E0 E1 E2 E3 F1"
	hindi = "01 02 03 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 29 " +
		"2A 2B 2C 2D 2E 2F 30 31 32 33 34 35 36 37 38 39 3C 3D 3E 3F 40 41 42 43 44 45 46 47 48 49 4A 4B 4C 4D 50 72 7B 7C 7E 7F"
	kannada = ".. 82 83 85 86 87 88 89 8A 8B 8C .. 8E 8F 90 .. 92 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2 A3 A4 A5 A6 A7 A8 .. " +
		"AA AB AC AD AE AF B0 B1 B2 B3 .. B5 B6 B7 B8 B9 BC BD BE BF C0 C1 C2 C3 C4 .. C6 C7 C8 .. CA CB CC CD D5 D6 E0 E1 E2 E3"
	malayalam = ".. 02 03 05 06 07 08 09 0A 0B 0C .. 0E 0F 10 .. 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 .. " +
		"2A 2B 2C 2D 2E 2F 30 31 32 33 34 35 36 37 38 39 .. 3D 3E 3F 40 41 42 43 44 .. 46 47 48 .. 4A 4B 4C 4D 57 60 61 62 63 79"
	oriya = "01 02 03 05 06 07 08 09 0A 0B 0C .. .. 0F 10 .. .. 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 .. " +
		"2A 2B 2C 2D 2E 2F 30 .. 32 33 .. 35 36 37 38 39 3C 3D 3E 3F 40 41 42 43 44 .. .. 47 48 .. .. 4B 4C 4D 56 57 60 61 62 63"
	punjabi = "01 02 03 05 06 07 08 09 0A .. .. .. .. 0F 10 .. .. 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 .. " +
		"2A 2B 2C 2D 2E 2F 30 .. 32 33 .. 35 36 .. 38 39 3C .. 3E 3F 40 41 42 .. .. .. .. 47 48 .. .. 4B 4C 4D 51 70 71 72 73 74"
	tamil = ".. 82 83 85 86 87 88 89 8A .. .. .. 8E 8F 90 .. 92 93 94 95 .. .. .. 99 9A .. 9C .. 9E 9F .. .. .. A3 A4 .. .. .. A8 A9 " +
		"AA .. .. .. AE AF B0 B1 B2 B3 B4 B5 B6 B7 B8 B9 .. .. BE BF C0 C1 C2 .. .. .. C6 C7 C8 .. CA CB CC CD D0 D7 F0 F1 F2 F9"
	telugu = "01 02 03 05 06 07 08 09 0A 0B 0C .. 0E 0F 10 .. 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 .. " +
		"2A 2B 2C 2D 2E 2F 30 31 32 33 .. 35 36 37 38 39 .. 3D 3E 3F 40 41 42 43 44 .. 46 47 48 .. 4A 4B 4C 4D 55 56 60 61 62 63"
	urdu = "27 22 28 7B 80 7E A6 2A C2 7F 79 7D 7A 7C 2B 2C 81 84 83 85 86 87 2D 2E 2F 8C 88 89 8A 8F 8D 30 31 91 93 99 32 96 98 9A " +
		"33 34 35 36 37 38 39 41 42 A9 AA AB AF B3 B1 44 45 46 BA BB BC 48 C4 D5 C1 BE 21 CC D0 D2 4D 50 4F 57 54 55 51 53 56 70"
)

// Runs of septets, first and last, in the order in which letters and signs fill them.
var (
	scriptSlots = [][2]byte{{0x00, 0x09}, {0x0B, 0x0C}, {0x0E, 0x1A}, {0x1C, 0x1F}, {0x22, 0x27}, {0x2A, 0x2B}, {0x2D, 0x2D}, {0x2F, 0x2F},
		{0x3C, 0x3E}, {0x40, 0x60}, {0x7B, 0x7F}}
	signSlots = [][2]byte{{0x19, 0x1A}, {0x1C, 0x27}, {0x2A, 0x2E}, {0x30, 0x3B}, {0x3F, 0x3F}}
)

// changed is a table that differs from base in what changes names: septets in two hex digits, each with its rune.
func changed(base *septetTable, changes string) *septetTable {
	t := *base
	for _, c := range strings.Split(changes, " ") {
		septet, _ := strconv.ParseUint(c[:2], 16, 7)
		t[septet] = []rune(c[2:])[0]
	}
	return &t
}

// script is the locking table of a script: its letters, and around them what all these tables have in common.
func script(block rune, letters string) *septetTable {
	t := septetTable{'\n': '\n', '\r': '\r', escape: ' ', ' ': ' ', '!': '!', 0x28: ')', 0x29: '(', ',': ',', '.': '.', ':': ':', ';': ';', '?': '?'}
	for c := '0'; c <= '9'; c++ {
		t[c] = c
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] = c
	}
	return t.fill(scriptSlots, block, letters)
}

// scriptSigns is the single shift table of a script: its digits and signs, and around them what all these tables have in common.
func scriptSigns(signs string) *septetTable {
	t := gsmExtension
	for i, r := range []rune("@£$¥¿\"¤%&'\f*+") {
		t[i] = r
	}
	for i, r := range []rune("-/<=>¡^¡_#*") {
		t[0x0E+i] = r
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = c
	}
	return t.fill(signSlots, 0, signs)
}

func (t *septetTable) fill(slots [][2]byte, block rune, hex string) *septetTable {
	runes := strings.Split(hex, " ")
	for _, run := range slots {
		for septet := run[0]; septet <= run[1] && len(runes) > 0; septet++ {
			if r, err := strconv.ParseUint(runes[0], 16, 12); err == nil {
				t[septet] = block + rune(r)
			}
			runes = runes[1:]
		}
	}
	return t
}
