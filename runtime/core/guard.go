package core

import (
	"fmt"
	"runtime/debug"
)

// PanicError is what [Guard] makes of a panic, or of a call of runtime.Goexit, in the code it called.
type PanicError struct {
	Value any    // of the panic; nil when the goroutine was ended instead
	Stack string // where it happened; for the log, never for clients
}

// Error tells what happened without the stack.
func (e *PanicError) Error() string {
	if e.Value == nil {
		return "runtime.Goexit was called"
	}
	return fmt.Sprintf("panic: %v", e.Value)
}

// Unwrap is the error the code panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Guard calls foreign code in a goroutine of its own, waits for it and returns its error. A panic in it, or a
// call of runtime.Goexit as FailNow of a test makes, becomes a [PanicError], as does an error that panics when
// its text is asked for: nothing of it ends the process, the goroutine of the caller, or what that still has to
// do. What fn starts by itself fn has to guard.
func Guard(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		var err error
		returned := false
		defer func() {
			if v := recover(); v != nil || !returned {
				err = &PanicError{Value: v, Stack: string(debug.Stack())}
			}
			done <- err
		}()
		if err = fn(); err != nil {
			_ = err.Error() // the code's too: who logs it must not panic
		}
		returned = true
	}()
	return <-done
}
