//go:build !unix

package speech

import "os/exec"

// grouped leaves a program as it is: what it starts is on its own.
func grouped(*exec.Cmd) {}

// ungroup does nothing.
func ungroup(*exec.Cmd) {}
