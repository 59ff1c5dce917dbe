package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
)

// fileLock keeps a second process, or a second Open in this one, away from a database file.
type fileLock struct {
	release func() error
}

// lockFile takes an exclusive lock (flock) on a file beside the database. The system drops it when the
// process ends, however it ends.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("storage: lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		err = fmt.Errorf("storage: %s is in use by another process (pid %s)", strings.TrimSuffix(path, ".lock"), strings.TrimSpace(string(pid)))
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("storage: lock file: %w", err), f.Close())
		}
	}
	return &fileLock{release: sync.OnceValue(f.Close)}, nil
}
