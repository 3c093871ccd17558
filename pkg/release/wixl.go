package main

import (
	"fmt"
	"strings"
)

// Attributes and types of Windows Installer.
const (
	componentPermanent      = 1 << 4
	componentNeverOverwrite = 1 << 7
	component64bit          = 1 << 8

	actionRunsInstalledFile = 18
	actionIgnoresFailure    = 1 << 6
	actionRollback          = 1 << 8
	actionDeferred          = 1 << 10
	actionNoImpersonate     = 1 << 11
)

// wixlOmissions are the queries that add what installer.wxs says and wixl 0.101 leaves out: Permanent and
// NeverOverwrite, Secure, Execute="rollback", and the versions of files, without which Windows Installer takes a new program
// for one without version, and keeps the old one.
func (p installerPackage) wixlOmissions() []string {
	queries := []string{
		"UPDATE `Property` SET `Value` = 'OLDER_FOUND;NEWER_FOUND;SERVICE_FOUND' WHERE `Property` = 'SecureCustomProperties'",
		fmt.Sprintf("UPDATE `Component` SET `Attributes` = %d WHERE `Component` = 'config'",
			component64bit|componentPermanent|componentNeverOverwrite),
		fmt.Sprintf("UPDATE `CustomAction` SET `Type` = %d WHERE `Action` = 'UndoRegisterService'",
			actionRunsInstalledFile|actionDeferred|actionRollback|actionNoImpersonate|actionIgnoresFailure),
	}
	for _, f := range p.Files {
		if strings.HasSuffix(f.Name, ".exe") {
			queries = append(queries,
				fmt.Sprintf("UPDATE `File` SET `Version` = '%s', `Language` = '1033' WHERE `File` = '%s'", p.FileVersion, f.ID),
				fmt.Sprintf("DELETE FROM `MsiFileHash` WHERE `File_` = '%s'", f.ID)) // for files without version only
		}
	}
	return queries
}
