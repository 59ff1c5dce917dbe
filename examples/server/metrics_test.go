package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
)

func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counting, stop := serveMetrics(ln)
	defer stop()
	s := elizatest.Start(t, counting)
	s.Get("/metrics").Want(http.StatusNotFound)
	res, err := http.Get("http://" + ln.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(b), "\neliza_http_requests_total{") || !strings.Contains(string(b), "\ngo_goroutines ") {
		t.Errorf("metrics: %v %s", err, b)
	}
}
