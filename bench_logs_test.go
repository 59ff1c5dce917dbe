package eliza_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza/internal/elizatest"
)

// BenchmarkWhileLogging reads the newest 50 messages of a channel, 4 clients at once, while nothing is logged
// and while 100,000 entries a minute are, with somebody watching the log.
func BenchmarkWhileLogging(b *testing.B) {
	for name, logging := range map[string]bool{"quiet": false, "100,000 entries a minute": true} {
		b.Run(name, func(b *testing.B) {
			s := elizatest.Start(b)
			url := s.Base + "/api/messaging/channels/" + string(fill(b, s, 1000)) + "/messages?limit=50"
			if logging {
				defer logs(b, s)()
			}
			bench(b, 4, func(c *http.Client, _ int) error { return call(c, http.MethodGet, url, "") })
		})
	}
}

// logs has 100 entries written each 60 ms, until it is told to end.
func logs(b *testing.B, s *elizatest.Server) (end func()) {
	b.Helper()
	sock := elizatest.Dial(b, s.Base, nil, nil)
	sock.Emit("subscribe_logs", nil)
	sock.Wait("log_subscription_confirmed", nil)
	entry := `{"level":"info","message":"something of ordinary length happened here","metadata":{"agent":"Ada","took":12}}`
	body := `{"logs":[` + strings.Repeat(entry+",", 99) + entry + `]}`
	ctx, cancel := context.WithCancel(b.Context())
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(60 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := call(http.DefaultClient, http.MethodPost, s.Base+"/api/runtime/logs?limit=1", body); err != nil {
				b.Error(err)
				return
			}
			<-tick.C
		}
	})
	return func() { cancel(); work.Wait() }
}
