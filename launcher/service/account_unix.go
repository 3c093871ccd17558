//go:build !windows

package service

import (
	"fmt"
	"os/user"
)

const systemAccount = "root"

// isSystem tells the system's own account from those that need rights.
func isSystem(account string) bool { return account == "root" }

// NeedsPassword is false: systemd asks for none. The error says that there is no such account; "" = the system's own.
func NeedsPassword(account string) (bool, error) {
	if account == "" {
		return false, nil
	}
	if _, err := user.Lookup(account); err != nil {
		return false, fmt.Errorf("there is no account %s: %w", account, err)
	}
	return false, nil
}
