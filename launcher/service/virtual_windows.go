package service

import (
	"crypto/sha1" // by which Windows names services: no secret is in it
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/windows"
)

// virtualDomain is that of the accounts that Windows makes with services.
const virtualDomain = `NT SERVICE\`

// sidOf is an account's. That of a service follows from its name ([MS-DTYP] 2.4.2.4, NT_SERVICE): it is known also before the service
// is registered, and where the system does not look it up.
func sidOf(account string) (*windows.SID, error) {
	if len(account) > len(virtualDomain) && strings.EqualFold(account[:len(virtualDomain)], virtualDomain) {
		var name []byte
		for _, unit := range utf16.Encode([]rune(strings.ToUpper(account[len(virtualDomain):]))) {
			name = binary.LittleEndian.AppendUint16(name, unit)
		}
		sum := sha1.Sum(name)
		sid := "S-1-5-80"
		for i := 0; i < len(sum); i += 4 {
			sid += fmt.Sprint("-", binary.LittleEndian.Uint32(sum[i:]))
		}
		return windows.StringToSid(sid)
	}
	sid, _, _, err := windows.LookupSID("", strings.TrimPrefix(account, `.\`))
	return sid, err
}
