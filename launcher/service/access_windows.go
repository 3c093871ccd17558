package service

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	mayRead  = windows.FILE_GENERIC_READ
	mayWrite = windows.FILE_GENERIC_READ | windows.FILE_GENERIC_WRITE | windows.FILE_GENERIC_EXECUTE | windows.DELETE
)

// restrict gives a file or a folder, with all that is in it, to the system and administrators, and to the account: to
// read, or to write.
func restrict(path, account string, u use) error {
	acl, err := access(account, u)
	if err != nil {
		return err
	}
	err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, acl, nil)
	if err != nil {
		return err
	}
	// Who owns a file may give himself every right to it.
	administrators, err := windows.CreateWellKnownSid(windows.WinBuiltinAdministratorsSid)
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION, administrators, nil, nil, nil)
}

func access(account string, u use) (*windows.ACL, error) {
	var inherited uint32 = windows.SUB_CONTAINERS_AND_OBJECTS_INHERIT
	rights := windows.ACCESS_MASK(mayRead)
	switch u {
	case readFile:
		inherited = windows.NO_INHERITANCE
	case readFolder:
		rights |= windows.FILE_GENERIC_EXECUTE
	case writeFolder:
		rights = mayWrite
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
		sid, err := sidOf(account)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", account, err)
		}
		grant(sid, rights)
	}
	return windows.ACLFromEntries(entries, nil)
}

// checkOwner refuses what belongs neither to the system or administrators nor to the account that runs this program.
func checkOwner(path string) error {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("%s: whose it is: %w", path, err)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return fmt.Errorf("%s: whose it is: %w", path, err)
	}
	if owner.IsWellKnown(windows.WinLocalSystemSid) || owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) {
		return nil
	}
	if me, err := windows.GetCurrentProcessToken().GetTokenUser(); err == nil && owner.Equals(me.User.Sid) {
		return nil
	}
	name := owner.String()
	if account, domain, _, err := owner.LookupAccount(""); err == nil {
		name = domain + `\` + account
	}
	return fmt.Errorf("%s belongs to %s, and not to administrators: whoever owns it decides what runs as the service. "+
		"Look through it, then: icacls \"%s\" /setowner *S-1-5-32-544", path, name, path)
}

// What lets others change a file, or what is in a folder.
const changes = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | fileDeleteChild | windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER |
	windows.GENERIC_WRITE | windows.GENERIC_ALL

const fileDeleteChild = 0x40 // which x/sys does not name

// WritableByOthers tells what ordinary users may change, as in a folder right below C:\, and so decide what runs as the service.
func (f Files) WritableByOthers() (faults []error) {
	paths := []string{f.Worker, filepath.Dir(f.Worker), filepath.Dir(f.Config)}
	if program, err := os.Executable(); err == nil {
		paths = append(paths, program, filepath.Dir(program))
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
		if err != nil {
			continue
		}
		if dacl, _, err := sd.DACL(); err == nil && othersMayChange(dacl) {
			faults = append(faults, fmt.Errorf("ordinary users may change %s, and so decide what runs as the service; "+
				"use %%ProgramFiles%% for programs and %%ProgramData%%\\%s for config.toml, or take that right away", path, displayName))
		}
	}
	return faults
}

// othersMayChange tells if a list of rights lets everybody or all users write. No list at all does.
func othersMayChange(dacl *windows.ACL) bool {
	if dacl == nil {
		return true
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if windows.GetAce(dacl, i, &ace) != nil || ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Mask&changes == 0 {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		for _, group := range []windows.WELL_KNOWN_SID_TYPE{windows.WinWorldSid, windows.WinAuthenticatedUserSid, windows.WinBuiltinUsersSid, windows.WinInteractiveSid} {
			if sid.IsWellKnown(group) {
				return true
			}
		}
	}
	return false
}
