package bus_test

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/eliza-go/eliza/messaging/bus"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	t.Run("a note reaches every subscriber of its topic before Publish returns", func(t *testing.T) {
		var m bus.Memory
		var got []string
		for range 2 {
			defer m.Subscribe("a", func(n []byte) { got = append(got, string(n)) })()
		}
		defer m.Subscribe("b", func([]byte) { t.Error("a note on another topic came") })()
		if err := m.Publish(t.Context(), "a", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 {
			t.Errorf("got %q, want two notes", got)
		}
	})
	t.Run("a subscriber that panics, or ends its goroutine, keeps no other from the note", func(t *testing.T) {
		var m bus.Memory
		got := 0
		for _, end := range []func(){func() { panic("on purpose") }, runtime.Goexit} {
			defer m.Subscribe("a", func([]byte) { end() })()
			defer m.Subscribe("a", func([]byte) { got++ })()
		}
		if err := m.Publish(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "on purpose") || got != 2 {
			t.Errorf("Publish = %v, %d notes came", err, got)
		}
	})
	t.Run("nothing comes after cancel", func(t *testing.T) {
		var m bus.Memory
		cancel := m.Subscribe("a", func([]byte) { t.Error("a note came after cancel") })
		cancel()
		cancel()
		if err := m.Publish(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a note that no bus between processes could carry is refused", func(t *testing.T) {
		var m bus.Memory
		if err := m.Publish(t.Context(), "a", bytes.Repeat([]byte("x"), bus.MaxNote+1)); err == nil {
			t.Error("no error")
		}
	})
	t.Run("subscribers may subscribe and cancel while notes are sent", func(t *testing.T) {
		var m bus.Memory
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					cancel := m.Subscribe("a", func([]byte) { m.Subscribe("b", func([]byte) {})() })
					if err := m.Publish(t.Context(), "a", []byte("x")); err != nil {
						t.Error(err)
					}
					cancel()
				}
			})
		}
		wg.Wait()
	})
}
