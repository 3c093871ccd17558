package main

import (
	"fmt"

	"golang.org/x/sys/windows"
)

const (
	mayRead  = windows.FILE_GENERIC_READ
	mayWrite = windows.FILE_GENERIC_READ | windows.FILE_GENERIC_WRITE | windows.FILE_GENERIC_EXECUTE | windows.DELETE
)

// restrict gives a file or a folder, with all that is in it, to the system and administrators, and to the account: to
// read, or to write.
func restrict(path, account string, write bool) error {
	acl, err := access(account, write)
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, acl, nil)
}

func access(account string, write bool) (*windows.ACL, error) {
	var inherited uint32 = windows.NO_INHERITANCE
	rights := windows.ACCESS_MASK(mayRead)
	if write {
		inherited, rights = windows.SUB_CONTAINERS_AND_OBJECTS_INHERIT, mayWrite
	}
	var entries []windows.EXPLICIT_ACCESS
	grant := func(sid *windows.SID, mask windows.ACCESS_MASK) {
		entries = append(entries, windows.EXPLICIT_ACCESS{
			AccessPermissions: mask, AccessMode: windows.GRANT_ACCESS, Inheritance: inherited,
			Trustee: windows.TRUSTEE{TrusteeForm: windows.TRUSTEE_IS_SID, TrusteeValue: windows.TrusteeValueFromSID(sid)},
		})
	}
	for _, kind := range []windows.WELL_KNOWN_SID_TYPE{windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid} {
		sid, err := windows.CreateWellKnownSid(kind)
		if err != nil {
			return nil, err
		}
		grant(sid, windows.GENERIC_ALL)
	}
	if account != "" {
		sid, _, _, err := windows.LookupSID("", account)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", account, err)
		}
		grant(sid, rights)
	}
	return windows.ACLFromEntries(entries, nil)
}
