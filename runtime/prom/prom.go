// Package prom counts what a server does for a Prometheus registry of the host's:
//
//	eliza.NewServer(eliza.WithObserver(prom.New(registry)))
//
// The names are in docs/observability.md. All labels have few values: patterns of routes, names of events and actions the
// program knows, statuses, never what a client wrote. It is a package of its own because Prometheus's client imports expvar,
// which serves the program's command line and memory at /debug/vars of the process's default mux.
package prom

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eliza-go/eliza/runtime"
)

// New returns an observer that has reg collect a server's metrics until its shutdown. Servers that share a registry need
// labels of their own, by [prometheus.WrapRegistererWith]; otherwise the second one cannot be made. Each server needs an
// observer of its own.
func New(reg prometheus.Registerer) runtime.Observer {
	if reg == nil {
		return runtime.Observer{Attach: func(runtime.Gauges) error { return errors.New("prom: a registry is needed") }}
	}
	m := newMetrics(reg)
	return runtime.Observer{
		Attach: m.attach, Detach: func() { m.reg.Unregister(m) },
		Request: m.request, Limited: m.limit, SocketEvent: m.event, StreamDropped: m.dropped.Inc,
		Accepted: m.accept, Turn: m.turn, Did: m.did, Wrote: m.wrote,
	}
}
