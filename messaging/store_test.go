package messaging_test

import (
	"context"
	"errors"
	"sync"

	"github.com/eliza-go/eliza/messaging"
)

// brokenStore is a Store that ends no turn once it is told so.
type brokenStore struct {
	messaging.Store

	mu     sync.Mutex
	failed chan struct{} // told of each Finish; nil = it works
}

func (s *brokenStore) breakFinish() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = make(chan struct{}, 100)
	return s.failed
}

func (s *brokenStore) Finish(ctx context.Context, d *messaging.Delivery, e messaging.Ending) (*messaging.Ended, error) {
	s.mu.Lock()
	failed := s.failed
	s.mu.Unlock()
	if failed != nil {
		failed <- struct{}{}
		return nil, errors.New("disk full")
	}
	return s.Store.Finish(ctx, d, e)
}
