//go:build !unix

package testkit

import "os/exec"

func giveToPostgres(string) error { return nil }

func asPostgres(*exec.Cmd) {}

func childrenOf(int) []int { return nil }
