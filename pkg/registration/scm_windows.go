package registration

import (
	"errors"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Read reads how the service was installed; without a service it is zero. It asks for no more rights than every account has.
func Read() (Registration, error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return Registration{}, err
	}
	defer windows.CloseServiceHandle(manager)
	name, err := windows.UTF16PtrFromString(Name)
	if err != nil {
		return Registration{}, err
	}
	service, err := windows.OpenService(manager, name, windows.SERVICE_QUERY_CONFIG)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return Registration{}, nil
	}
	if err != nil {
		return Registration{}, err
	}
	defer windows.CloseServiceHandle(service)
	return Of(service)
}

// Of reads it of a service that was opened to query its configuration.
func Of(service windows.Handle) (r Registration, err error) {
	size := uint32(8 << 10) // the most that Windows returns
	buffer := make([]byte, size)
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buffer[0]))
	if err := windows.QueryServiceConfig(service, c, size, &size); err != nil {
		return r, err
	}
	r.Account = windows.UTF16PtrToString(c.ServiceStartName)
	args, err := windows.DecomposeCommandLine(windows.UTF16PtrToString(c.BinaryPathName))
	if err != nil {
		return r, err
	}
	if i := slices.Index(args, "--config"); i >= 0 && i+1 < len(args) {
		r.Config = args[i+1]
	}
	return r, nil
}
