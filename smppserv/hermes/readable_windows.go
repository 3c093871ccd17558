package hermes

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var wsaPoll = windows.NewLazySystemDLL("ws2_32.dll").NewProc("WSAPoll")

// pollFD is a WSAPOLLFD.
type pollFD struct {
	socket          uintptr
	events, revents int16
}

const pollIn = 0x0300 // POLLRDNORM | POLLRDBAND

// readable tells whether a read would return at once: with octets, the end, or an error. known is false where that cannot be
// found out.
func readable(c syscall.RawConn) (pending, known bool) {
	found := uintptr(0)
	err := c.Read(func(fd uintptr) bool {
		poll := pollFD{socket: fd, events: pollIn}
		found, _, _ = wsaPoll.Call(uintptr(unsafe.Pointer(&poll)), 1, 0)
		return true
	})
	return found == 1 || err != nil, int32(found) >= 0
}

const canAsk = false

// ask is never called.
func ask(syscall.RawConn, []byte, []byte) (written, read int, err error) { panic("hermes: ask") }
