//go:build !windows

package hermes

import (
	"io"
	"net"
	"os"
	"syscall"
)

// readable tells whether a read would return at once: with octets, the end, or an error. known is false where that cannot be
// found out.
func readable(c syscall.RawConn) (pending, known bool) {
	pending = true
	err := c.Read(func(fd uintptr) bool {
		pending = speaks(int(fd))
		return true
	})
	return pending || err != nil, true
}

func speaks(fd int) bool {
	var octet [1]byte
	_, _, err := syscall.Recvfrom(fd, octet[:], syscall.MSG_PEEK)
	return err != syscall.EAGAIN && err != syscall.EINTR
}

const canAsk = true

// ask writes a request and reads what comes first. Unlike a Write and a Read it does not ask the system for what cannot be there
// yet: that is a tenth of what a push costs. Nothing is written where a read would return at once: errUnsent; what comes after that look
// ends the wait. Of a request that the system does not take whole read is 0 and nothing is read.
func ask(c syscall.RawConn, request, answer []byte) (written, read int, err error) {
	call := "write"
	var fault error // of the call
	err = c.Read(func(fd uintptr) bool {
		if call == "write" {
			if speaks(int(fd)) {
				fault = errUnsent
				return true
			}
			if written, fault = unlessInterrupted(syscall.Write, int(fd), request); written < len(request) {
				return true
			}
			call = "read"
			return false
		}
		read, fault = unlessInterrupted(syscall.Read, int(fd), answer)
		if fault == nil && read == 0 {
			fault = io.EOF
		}
		return fault != syscall.EAGAIN
	})
	switch errno, ok := fault.(syscall.Errno); {
	case err != nil:
		return written, read, err
	case fault == syscall.EAGAIN: // nothing was taken
		return 0, 0, nil
	case ok:
		fault = &net.OpError{Op: call, Net: "tcp", Err: os.NewSyscallError(call, errno)}
	}
	return written, read, fault
}

func unlessInterrupted(call func(fd int, p []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if err != syscall.EINTR {
			return max(0, n), err
		}
	}
}
