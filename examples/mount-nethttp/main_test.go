package main

import (
	"testing"

	"github.com/eliza-go/eliza/internal/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestTheProgram(t *testing.T) {
	t.Parallel()
	hosttest.Example(t, run, "The host's own page.")
}
