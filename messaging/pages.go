package messaging

import (
	"container/list"
	"context"
	"encoding/json"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	pagesBytes = 16 << 20 // of pages that are kept, about
	pageBytes  = 1 << 20  // of one that is kept at most
)

// MessagePage is a part of a channel's messages. It is shared: its messages must not be modified.
type MessagePage struct {
	Messages []Message
	More     bool  // there are more beyond it
	Head     int64 // number of the channel's latest change when it was read; 0 of a channel that does not exist
}

// Messages implements [Service]. Pages that were read are kept: every change of a channel's messages takes
// the next number of its line, so a page is as good as new while the channel's head is the one it was read
// under.
func (m *Manager) Messages(ctx context.Context, p Page) (*MessagePage, error) {
	ch, err := m.store.Channel(ctx, p.ChannelID)
	if core.CodeOf(err) == core.CodeChannelNotFound {
		return &MessagePage{}, nil
	}
	if err != nil {
		return nil, err
	}
	key := pageKey{p, ch.CreatedAt, ch.Head} // an id may be another channel's by now
	if page := m.pages.get(key); page != nil {
		return page, nil
	}
	page := &MessagePage{Head: ch.Head}
	if page.Messages, page.More, err = m.store.Messages(ctx, p); err != nil {
		return nil, err
	}
	if !core.InTransaction(ctx) { // else it has what may never be
		m.pages.put(key, page)
	}
	return page, nil
}

type pageKey struct {
	Page
	created core.ISO
	head    int64
}

// pages keeps what was read last, within a number of bytes. The zero value is ready to use.
type pages struct {
	mu    sync.Mutex
	known map[pageKey]*list.Element // of *keptPage
	order list.List                 // most recently used first
	bytes int
}

type keptPage struct {
	key   pageKey
	page  *MessagePage
	bytes int
}

func (s *pages) get(key pageKey) *MessagePage {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.known[key]
	if !ok {
		return nil
	}
	s.order.MoveToFront(e)
	return e.Value.(*keptPage).page
}

func (s *pages) put(key pageKey, page *MessagePage) {
	k := &keptPage{key: key, page: page}
	for i := range page.Messages {
		if k.bytes += page.Messages[i].Weight(); k.bytes > pageBytes {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[key] != nil {
		return
	}
	if s.known == nil {
		s.known = map[pageKey]*list.Element{}
	}
	s.known[key] = s.order.PushFront(k)
	for s.bytes += k.bytes; s.bytes > pagesBytes; {
		oldest := s.order.Remove(s.order.Back()).(*keptPage)
		delete(s.known, oldest.key)
		s.bytes -= oldest.bytes
	}
}

// Weight is about how many bytes a message takes.
func (m *Message) Weight() int {
	return 512 + len(m.Content) + weight(m.Raw) + weight(m.Metadata)
}

func weight(v any) int {
	n := 32
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			n += 2*len(k) + weight(x)
		}
	case []any:
		for _, x := range v {
			n += weight(x)
		}
	case string:
		n += len(v)
	case json.Number:
		n += len(v)
	}
	return n
}
