package loop

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/plugin/bootstrap"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	agentID   core.UUID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	userID    core.UUID = "11111111-1111-4111-8111-111111111111"
	channelID core.UUID = "cccccccc-cccc-4ccc-8ccc-cccccccccc01"
)

// memories is a core.Memories that keeps everything in maps.
type memories struct {
	mu       sync.Mutex
	all      map[core.UUID]core.Memory
	order    []core.UUID
	logs     map[core.UUID]core.Log
	people   []core.Entity
	state    string
	records  int // calls of Record
	trips    int // calls that a database would see
	connects []core.Turn
	refuse   error // of Record
	listErr  error
}

func newMemories() *memories {
	return &memories{
		all: map[core.UUID]core.Memory{}, logs: map[core.UUID]core.Log{},
		people: []core.Entity{{ID: userID, Names: []string{"Bob"}}, {ID: agentID, Names: []string{"Ada"}}},
	}
}

func (m *memories) add(x core.Memory) {
	if _, taken := m.all[x.ID]; !taken {
		m.all[x.ID] = x
		m.order = append(m.order, x.ID)
	}
}

func (m *memories) Add(_ context.Context, x core.Memory) (core.UUID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(x)
	return x.ID, nil
}

func (m *memories) Record(_ context.Context, list []core.Memory, logs []core.Log) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records++
	if m.refuse != nil {
		return m.refuse
	}
	for _, x := range list {
		m.add(x)
	}
	for _, l := range logs {
		m.logs[l.ID] = l
	}
	return nil
}

func (m *memories) List(_ context.Context, q core.MemoryQuery) ([]core.Memory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips++
	if m.listErr != nil {
		return nil, m.listErr
	}
	var out []core.Memory
	for _, id := range slices.Backward(m.order) {
		if x := m.all[id]; x.Table == q.Table && x.RoomID == q.RoomID && len(out) < q.Limit {
			out = append(out, x)
		}
	}
	return out, nil
}

func (m *memories) Search(context.Context, core.MemoryQuery) ([]core.Memory, error) { return nil, nil }
func (m *memories) Update(context.Context, core.Memory) error                       { return nil }
func (m *memories) Delete(context.Context, ...core.UUID) error                      { return nil }
func (m *memories) SetRoomState(context.Context, core.UUID, string) error           { return nil }

func (m *memories) Connect(_ context.Context, t *core.Turn) (core.Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips++
	m.connects = append(m.connects, *t)
	return core.Room{
		ID: core.ForAgent(agentID, string(t.ChannelID)), AgentID: agentID, ChannelID: t.ChannelID, Type: t.ChannelType,
		WorldID: core.ForAgent(agentID, string(t.ServerID)), State: m.state,
	}, nil
}

func (m *memories) Entities(context.Context, core.UUID) ([]core.Entity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips++
	return m.people, nil
}

func (m *memories) Relationships(context.Context, core.UUID, int) ([]core.Relationship, error) {
	return nil, nil
}

func (m *memories) Relate(context.Context, core.Relationship) error      { return nil }
func (m *memories) World(context.Context, core.UUID) (core.World, error) { return core.World{}, nil }
func (m *memories) Rooms(context.Context, int) ([]core.Room, error)      { return nil, nil }

func (m *memories) logTypes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, l := range m.logs {
		s := l.Type
		if status, ok := l.Body["status"].(string); ok {
			s += " " + status
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// model is a text model that answers from a script: one entry a call, the last one again and again.
type model struct {
	mu       sync.Mutex
	script   []string
	requests []core.TextRequest
	size     int   // of a piece; 0 = the whole answer
	err      error // after the answer
	hook     func(ctx context.Context, r core.TextRequest) error
}

func (m *model) Generate(ctx context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	m.mu.Lock()
	text := ""
	if len(m.script) > 0 {
		text = m.script[min(len(m.requests), len(m.script)-1)]
	}
	m.requests = append(m.requests, r)
	hook, size, fail := m.hook, m.size, m.err
	m.mu.Unlock()
	return func(yield func(core.TextDelta, error) bool) {
		if hook != nil {
			if err := hook(ctx, r); err != nil {
				yield(core.TextDelta{}, err)
				return
			}
		}
		for len(text) > 0 {
			n := len(text)
			if size > 0 {
				n = min(n, size)
			}
			if !yield(core.TextDelta{Text: text[:n]}, nil) {
				return
			}
			text = text[n:]
		}
		if fail != nil {
			yield(core.TextDelta{}, fail)
			return
		}
		yield(core.TextDelta{FinishReason: "stop", Usage: &core.Usage{PromptTokens: 1, CompletionTokens: 2, TotalTokens: 3}}, nil)
	}
}

func (m *model) asked() []core.TextRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// outBox is a core.Out that notes what it gets.
type outBox struct {
	mu       sync.Mutex
	sent     []core.Content
	chunks   []string // "id text"
	progress []string
	acting   int
	log      []string
	mark     error
}

func (o *outBox) id() core.UUID { return core.StringToUUID(fmt.Sprintf("reply:%d", len(o.sent))) }

func (o *outBox) NextReply() core.UUID {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.id()
}

func (o *outBox) Stream(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.chunks = append(o.chunks, string(o.id())+" "+text)
	o.log = append(o.log, "stream")
}

func (o *outBox) Send(_ context.Context, c *core.Content) (core.UUID, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := o.id()
	o.sent = append(o.sent, *c)
	o.log = append(o.log, "send "+c.Text)
	return id, nil
}

func (o *outBox) Progress(_ context.Context, _ core.UUID, c core.Content) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.progress = append(o.progress, c.Text)
	return nil
}

func (o *outBox) Acting(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acting++
	o.log = append(o.log, "acting")
	return o.mark
}

// streamed is what was streamed under an id.
func (o *outBox) streamed(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	for _, c := range o.chunks {
		if id, text, _ := strings.Cut(c, " "); id == string(core.StringToUUID(fmt.Sprintf("reply:%d", n))) {
			b.WriteString(text)
		}
	}
	return b.String()
}

// bench is an agent on the bench.
type bench struct {
	rt    *Runtime
	mem   *memories
	model *model
	out   *outBox
}

type setup struct {
	script  []string
	char    func(*core.Character)
	plugins []plugin.Plugin
	opts    func(*Options)
}

func build(t testing.TB, s setup) *bench {
	t.Helper()
	b := &bench{mem: newMemories(), model: &model{script: s.script}, out: &outBox{}}
	text := plugin.Plugin{Name: "scripted", Models: func(core.Runtime) (core.Models, error) { return core.Models{Text: b.model}, nil }}
	opts := Options{
		Logger: slog.New(slog.DiscardHandler), Plugins: append([]plugin.Plugin{bootstrap.Plugin(), text}, s.plugins...),
		Memories: func(core.UUID) core.Memories { return b.mem },
	}
	if s.opts != nil {
		s.opts(&opts)
	}
	factory, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	c := &core.Character{ID: agentID, Name: "Ada", Bio: core.Bio{Lines: []string{"Counts things."}}}
	if s.char != nil {
		s.char(c)
	}
	rt, err := factory(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b.rt = rt.(*Runtime)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := rt.Close(ctx); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return b
}

func message(text string) *core.Turn {
	return &core.Turn{
		ID: "dddddddd-dddd-4ddd-8ddd-dddddddddd01", Attempt: 1, MessageID: "eeeeeeee-eeee-4eee-8eee-eeeeeeeeee01",
		ChannelID: channelID, ServerID: core.DefaultServerID, AuthorID: userID, AuthorName: "Bob", ChannelType: "DM",
		Source: "socketio_client", Content: core.Content{Text: text}, CreatedAt: core.Now(),
	}
}

// turn answers a message and commits the outcome.
func (b *bench) turn(t *testing.T, m *core.Turn) core.Outcome {
	t.Helper()
	o, err := b.rt.Turn(t.Context(), m, b.out)
	if err != nil {
		t.Fatalf("Turn = %v", err)
	}
	if err := o.Commit(t.Context()); err != nil {
		t.Fatalf("Commit = %v", err)
	}
	return o
}

func said(o core.Outcome) string {
	if o.Reply == nil {
		return "(nothing: " + o.Reason + ")"
	}
	return o.Reply.Text
}

func xml(thought, actions, providers, text string) string {
	return "<response>\n <thought>" + thought + "</thought>\n <actions>" + actions + "</actions>\n <providers>" + providers +
		"</providers>\n <text>" + text + "</text>\n</response>"
}

var errBroken = errors.New("broken")
