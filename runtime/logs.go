package runtime

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// DefaultLogSize is how many entries a log keeps when no size is given.
const DefaultLogSize = 1000

// Logs keeps the newest entries of a server's log in memory and hands new ones to who follows it. Its
// [Logs.Handler] is the way in. Safe for concurrent use.
type Logs struct {
	// Now is when entries are from; of log records it is their own time when nil. It is set before the first use.
	Now core.Clock

	size int

	mu   sync.Mutex
	ring []core.LogEntry // oldest first from next on
	next int

	subs sync.Map // *subscription → struct{}
}

type subscription struct{ fn func(core.LogEntry) }

// NewLogs returns an empty log of size entries, [DefaultLogSize] when 0.
func NewLogs(size int) *Logs {
	if size <= 0 {
		size = DefaultLogSize
	}
	return &Logs{size: size}
}

// Add appends an entry; the oldest makes room when the log is full.
func (l *Logs) Add(e core.LogEntry) {
	l.mu.Lock()
	if len(l.ring) < l.size {
		l.ring = append(l.ring, e)
	} else {
		l.ring[l.next] = e
		l.next = (l.next + 1) % l.size
	}
	l.mu.Unlock()
	l.subs.Range(func(s, _ any) bool {
		s.(*subscription).call(e)
		return true
	})
}

// call never panics: whoever logs, on whatever goroutine, has nothing to do with who follows the log. Nor is it
// told by the log.
func (s *subscription) call(e core.LogEntry) {
	defer func() { _ = recover() }()
	s.fn(e)
}

// Subscribe calls fn for each new entry until cancel, which may be called more than once. fn must neither
// block nor log, and a panic in it is dropped.
func (l *Logs) Subscribe(fn func(core.LogEntry)) (cancel func()) {
	s := &subscription{fn}
	l.subs.Store(s, struct{}{})
	return func() { l.subs.Delete(s) }
}

// Query selects entries. The zero value of a field does not filter.
type Query struct {
	Since     core.Millis
	Level     int // exactly this one
	AgentName string
	AgentID   core.UUID
	Limit     int // the newest so many
}

// Entries returns the entries a query selects, oldest first, and how many the log holds.
func (l *Logs) Entries(q Query) (found []core.LogEntry, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found = []core.LogEntry{}
	for i := len(l.ring) - 1; i >= 0 && (q.Limit == 0 || len(found) < q.Limit); i-- {
		if e := l.ring[(l.next+i)%len(l.ring)]; q.selects(e) {
			found = append(found, e)
		}
	}
	slices.Reverse(found)
	return found, len(l.ring)
}

func (q Query) selects(e core.LogEntry) bool {
	return e.Time >= q.Since && (q.Level == 0 || e.Level == q.Level) &&
		(q.AgentName == "" || e.AgentName == q.AgentName) && (q.AgentID == "" || e.AgentID == q.AgentID)
}

// Clear forgets all entries.
func (l *Logs) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next = nil, 0
}

// Handler returns a handler that puts records of at least a level into the log. Attributes agent_id and
// agent_name become the entry's agent; groups become prefixes; what looks like a secret is redacted.
func (l *Logs) Handler(level slog.Leveler) slog.Handler { return &logHandler{logs: l, level: level} }

type logHandler struct {
	logs   *Logs
	level  slog.Leveler
	prefix string
	attrs  []slog.Attr // with their prefixes
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	at := r.Time
	if at.IsZero() || h.logs.Now != nil {
		at = h.logs.Now.Time()
	}
	e := core.LogEntry{Time: core.MillisOf(at), Level: levelNumber(r.Level), Message: r.Message}
	if n := len(h.attrs) + r.NumAttrs(); n > 0 {
		e.Fields = make(map[string]any, n)
	}
	for _, a := range h.attrs {
		addAttr(&e, "", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		addAttr(&e, h.prefix, a)
		return true
	})
	h.logs.Add(e)
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		a.Key = h.prefix + a.Key
		c.attrs = append(c.attrs, a)
	}
	return &c
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix += name + "."
	return &c
}

func addAttr(e *core.LogEntry, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			addAttr(e, prefix, inner)
		}
		return
	}
	switch key := prefix + a.Key; key {
	case "":
	case "agent_id":
		e.AgentID = core.UUID(v.String())
	case "agent_name":
		e.AgentName = v.String()
	case "time", "level", "msg", "agentId", "agentName": // names of the entry itself
		e.Fields["attr_"+key] = plain(key, v)
	default:
		e.Fields[key] = plain(key, v)
	}
}

// levelNumber is a level in the contract's numbers.
func levelNumber(l slog.Level) int {
	switch {
	case l < slog.LevelDebug:
		return 10
	case l < slog.LevelInfo:
		return 20
	case l < slog.LevelWarn:
		return 30
	case l < slog.LevelError:
		return 40
	case l < slog.LevelError+4:
		return 50
	}
	return 60
}
