package client

import (
	"context"
	"errors"

	"github.com/eliza-go/eliza/runtime/core"
)

// LogFilter says which entries of the server's log are told. The zero value is all.
type LogFilter struct {
	AgentName string // only those about the agent of this name
	Level     string // the least level
}

// SubscribeLogs has the entries of the server's log told as [LogStream], from now on and on every later connection;
// what is logged between two connections is not told. Calling it again changes the filter. [core.CodeForbidden] when
// the server tells nobody.
func (s *Socket) SubscribeLogs(ctx context.Context, f LogFilter) error {
	if _, err := s.request(ctx, "subscribe_logs", nil); err != nil {
		return err
	}
	if _, err := s.request(ctx, "update_log_filters", f.body()); err != nil {
		return err
	}
	s.mu.Lock()
	s.logs = &f
	s.mu.Unlock()
	return nil
}

// UnsubscribeLogs is the end of that. No error when there was no subscription.
func (s *Socket) UnsubscribeLogs(ctx context.Context) error {
	s.mu.Lock()
	s.logs = nil
	s.mu.Unlock()
	_, err := s.request(ctx, "unsubscribe_logs", nil)
	return err
}

type filterBody struct {
	AgentName string `json:"agentName"`
	Level     string `json:"level"`
}

func (f LogFilter) body() filterBody {
	b := filterBody{"all", "all"}
	if f.AgentName != "" {
		b.AgentName = f.AgentName
	}
	if f.Level != "" {
		b.Level = f.Level
	}
	return b
}

// keepLogs restores the subscription on a new connection, as far as the server lets.
func (s *Socket) keepLogs(ctx context.Context, k *conn) error {
	s.mu.Lock()
	f := s.logs
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	for _, step := range []struct {
		event   string
		payload any
	}{{"subscribe_logs", nil}, {"update_log_filters", f.body()}} {
		_, err := k.request(ctx, step.event, step.payload)
		if _, refused := errors.AsType[*core.Error](err); err != nil && !refused {
			return err // the connection is lost
		}
	}
	return nil
}
