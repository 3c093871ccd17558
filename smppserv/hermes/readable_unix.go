//go:build !windows

package hermes

import "syscall"

// readable tells whether a read would return at once: with octets, the end, or an error. known is false where that cannot be
// found out.
func readable(c syscall.RawConn) (pending, known bool) {
	pending = true
	err := c.Read(func(fd uintptr) bool {
		var octet [1]byte
		_, _, err := syscall.Recvfrom(int(fd), octet[:], syscall.MSG_PEEK)
		pending = err != syscall.EAGAIN && err != syscall.EINTR
		return true
	})
	return pending || err != nil, true
}
