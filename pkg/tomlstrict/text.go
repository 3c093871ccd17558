package tomlstrict

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// decodeText takes off what Windows editors put before or between the letters.
func decodeText(data []byte) (string, *Problem) {
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM) // PowerShell's > writes it, and Notepad's "Unicode"
	if decoded, err := utf16.NewDecoder().Bytes(data); err == nil {
		data = decoded
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "", &Problem{Line: 1, Text: "the file is UTF-16 or binary; save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)"}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		line := 1
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return "", &Problem{Line: line, Text: "this line is not UTF-8; save the file as UTF-8 (Notepad: Save as, Encoding: UTF-8)"}
	}
	return string(data), nil
}
