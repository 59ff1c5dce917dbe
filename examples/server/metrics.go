package main

import (
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/runtime/prom"
)

// serveMetrics counts, and answers GET /metrics to everybody who reaches a listener of its own, until stop is called.
func serveMetrics(ln net.Listener) (counting eliza.Option, stop func()) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = web.Serve(ln) // until it is closed
	}()
	return eliza.WithObserver(prom.New(reg)), func() {
		_ = web.Close()
		<-ended
	}
}
