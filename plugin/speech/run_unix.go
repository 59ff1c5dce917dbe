//go:build unix

package speech

import (
	"os/exec"
	"syscall"
)

// grouped puts a program and all it will start into a group of their own, which ends as a whole.
func grouped(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// ungroup ends what a program that has ended left behind.
func ungroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // usually there is nobody
	}
}
