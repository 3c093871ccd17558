package service

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/windows"
)

// NeedsPassword tells the accounts of people from those that Windows itself gives a password, or none. The error says
// that there is no such account; "" = the system's own.
func NeedsPassword(account string) (bool, error) {
	if account == "" || isSystem(account) {
		return false, nil
	}
	return isPersonal(account), checkAccount(account)
}

func isPersonal(user string) bool {
	domain, name, found := strings.Cut(strings.ToLower(user), `\`)
	if !found {
		domain, name = "", domain
	}
	switch {
	case domain == "nt authority", domain == "nt service", strings.HasSuffix(name, "$"):
		return false
	}
	return name != "localsystem" && name != "localservice" && name != "networkservice"
}

const systemAccount = "LocalSystem"

// isSystem tells the system's own account from those that need rights.
func isSystem(account string) bool {
	return slices.ContainsFunc([]string{"LocalSystem", `.\LocalSystem`, `NT AUTHORITY\SYSTEM`, "SYSTEM"},
		func(name string) bool { return strings.EqualFold(name, account) })
}

// checkAccount knows the service's own virtual account, which Windows makes with the service.
func checkAccount(name string) error {
	if isSystem(name) || strings.EqualFold(name, `NT SERVICE\`+Name) {
		return nil
	}
	if _, _, _, err := windows.LookupSID("", strings.TrimPrefix(name, `.\`)); err != nil {
		return fmt.Errorf("there is no account %s: %w", name, err)
	}
	return nil
}
