package storage

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// openNew opens a database of its own, until the test ends.
func openNew(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// newest is what is kept of a room, and what is in the table.
func newest(t *testing.T, store memory.Store, agent, room core.UUID, n int) (kept, read []core.Memory) {
	t.Helper()
	q := core.MemoryQuery{Table: core.TableMessages, RoomID: room, Limit: n}
	kept, keptMore, err := store.Memories(t.Context(), agent, q)
	if err != nil {
		t.Fatal(err)
	}
	q.Before = math.MaxInt64 // such a query always reads
	read, readMore, err := store.Memories(t.Context(), agent, q)
	if err != nil {
		t.Fatal(err)
	}
	if keptMore != readMore {
		t.Errorf("more = %v, want %v", keptMore, readMore)
	}
	return kept, read
}

// TestNewestMessagesAreExact changes memories in every way there is and compares what is kept of a room with
// what is in the table.
func TestNewestMessagesAreExact(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	store, ctx, r := db.Memory(), t.Context(), rand.New(rand.NewPCG(3, 3))
	for step := range 800 {
		var err error
		agent, room := core.UUID("a"), core.UUID(fmt.Sprint("r", r.IntN(2)))
		if r.IntN(10) == 0 {
			agent = "b"
		}
		id := core.UUID(fmt.Sprint("m", r.IntN(500)))
		switch r.IntN(60) {
		default:
			var batch []core.Memory
			for range 1 + r.IntN(3) {
				batch = append(batch, core.Memory{
					ID: core.UUID(fmt.Sprint("m", r.IntN(500))), AgentID: agent, RoomID: room, Table: []string{core.TableMessages, core.TableMessages, core.TableFacts}[r.IntN(3)], CreatedAt: core.Millis(r.IntN(2000)),
					Content:  core.Content{Text: fmt.Sprint(step), Actions: []string{"REPLY"}, Extra: map[string]any{"n": step, "when": 1.5}},
					Metadata: map[string]any{"sourceId": string(id), "n": step},
				})
			}
			err = store.Insert(ctx, batch, nil)
		case 0:
			_, err = store.UpdateMemory(ctx, agent, id, memory.MemoryPatch{Content: &core.Content{Text: "changed"}})
		case 1:
			_, err = store.UpdateMemory(ctx, agent, id, memory.MemoryPatch{Embedding: []float32{1}, Model: "m"})
		case 2:
			_, err = store.DeleteMemories(ctx, agent, []core.UUID{id})
		case 3:
			err = store.ForgetMessage(ctx, id)
		case 4:
			if r.IntN(12) == 0 {
				err = store.DeleteRoomMemories(ctx, agent, room, []string{core.TableMessages})
			}
		case 5:
			if r.IntN(12) == 0 {
				_, err = store.DeleteAllMemories(ctx, agent)
			}
		}
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			t.Fatal(err)
		}
		kept, read := newest(t, store, agent, room, 1+r.IntN(64))
		if diff := cmp.Diff(read, kept); diff != "" {
			t.Fatalf("step %d: (-table +kept) %s", step, diff)
		}
		if len(kept) > 0 { // a caller may do so
			kept[0].Content.Extra["n"], kept[0].Metadata["n"] = "changed", "changed"
		}
	}
}

func TestNewestMessagesWhileOthersWrite(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	store := db.Memory()
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := range 60 {
				id := core.UUID(fmt.Sprintf("m%d-%d", w, i))
				m := core.Memory{ID: id, AgentID: "a", RoomID: "r", Table: core.TableMessages, CreatedAt: core.Millis(i)}
				if err := store.Insert(t.Context(), []core.Memory{m}, nil); err != nil {
					t.Error(err)
				}
				_, _, err := store.Memories(t.Context(), "a", core.MemoryQuery{Table: core.TableMessages, RoomID: "r", Limit: 20})
				if err != nil {
					t.Error(err)
				}
				if i%20 == 0 {
					if _, err := store.DeleteMemories(t.Context(), "a", []core.UUID{id}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	work.Wait()
	kept, read := newest(t, store, "a", "r", 64)
	if diff := cmp.Diff(read, kept); diff != "" || len(kept) != 64 {
		t.Errorf("%d messages: (-table +kept) %s", len(kept), diff)
	}
}

// Of memories with one id only the first is stored.
func TestNewestMessagesOfABatchThatRepeatsIDs(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	store := db.Memory()
	newest(t, store, "a", "r", 5)
	var batch []core.Memory
	for i, id := range []core.UUID{"m", "m", "n", "n"} {
		batch = append(batch, core.Memory{ID: id, AgentID: "a", RoomID: "r", Table: core.TableMessages, CreatedAt: core.Millis(i)})
	}
	batch[2].Table = core.TableFacts
	if err := store.Insert(t.Context(), batch, nil); err != nil {
		t.Fatal(err)
	}
	kept, read := newest(t, store, "a", "r", 5)
	if diff := cmp.Diff(read, kept); diff != "" || len(read) != 1 {
		t.Errorf("%d messages: (-table +kept) %s", len(read), diff)
	}
}

// A deletion that was cut has removed something all the same.
func TestNewestMessagesAfterHalfADeletion(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	store, ctx := db.Memory(), t.Context()
	m := core.Memory{ID: "m", AgentID: "a", RoomID: "r", Table: core.TableMessages, Embedding: []float32{1}}
	if err := store.Insert(ctx, []core.Memory{m}, []core.Log{{ID: "l", AgentID: "a", Type: "t"}}); err != nil {
		t.Fatal(err)
	}
	newest(t, store, "a", "r", 5)
	err := db.WithTx(ctx, func(_ context.Context, tx *gorm.DB) error {
		return tx.Exec(`CREATE TRIGGER stop BEFORE DELETE ON agent_logs BEGIN SELECT raise(ABORT, 'stop'); END`).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ForgetAgent(ctx, "a"); err == nil {
		t.Fatal("nothing stopped the deletion")
	}
	if kept, read := newest(t, store, "a", "r", 5); len(kept) != len(read) {
		t.Errorf("kept %v, in the table is %v", kept, read)
	}
}

func TestARoomThatChangesWhileItIsReadIsNotKept(t *testing.T) {
	t.Parallel()
	m := core.Memory{ID: "1", AgentID: "a", RoomID: "r", Table: core.TableMessages}
	for name, change := range map[string]func(c *recents){
		"insertion": func(c *recents) { c.add([]core.Memory{m}) }, "deletion": func(c *recents) { c.forget("a", "") },
		"change": func(c *recents) { c.forget("a", "r") }, "everything": (*recents).clear,
	} {
		var c recents
		k := roomKey{"a", "r"}
		_, _, _, ticket := c.page(k, 5)
		change(&c)
		c.put(k, ticket, nil)
		if page, _, ok, _ := c.page(k, 5); ok {
			t.Errorf("%s: %v was kept", name, page)
		}
	}
}

func TestKeptMessagesStayWithinTheirBound(t *testing.T) {
	t.Parallel()
	var c recents
	long := core.Memory{AgentID: "a", Content: core.Content{Text: strings.Repeat("x", maxRecentBytes/3)}}
	for _, room := range []core.UUID{"1", "2", "3", "4"} {
		k := roomKey{"a", room}
		_, _, _, t := c.page(k, 5)
		c.put(k, t, []core.Memory{long})
	}
	if c.bytes > maxRecentBytes || len(c.rooms) != 2 || c.rooms[roomKey{"a", "4"}] == nil {
		t.Errorf("%d bytes of %d rooms, want the two used last", c.bytes, len(c.rooms))
	}
	c.forget("a", "")
	if c.bytes != 0 || len(c.rooms) != 0 {
		t.Errorf("%d bytes of %d rooms left", c.bytes, len(c.rooms))
	}
}

func TestAllOfAKeptMessageIsWeighed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxRecentBytes/3)
	for name, content := range map[string]core.Content{
		"thought": {Thought: long}, "extra": {Extra: map[string]any{"a": []any{map[string]any{"b": long}}}},
		"attachment": {Attachments: []core.Media{{URL: long}}}, "document": {Attachments: []core.Media{{Text: long}}},
	} {
		var c recents
		for i, room := range []core.UUID{"1", "2", "3", "4"} {
			k, m := roomKey{"a", room}, core.Memory{ID: "m", AgentID: "a", RoomID: room, Table: core.TableMessages, Content: content}
			_, _, _, ticket := c.page(k, 5)
			if i%2 == 0 {
				c.put(k, ticket, []core.Memory{m})
				continue
			}
			c.put(k, ticket, nil)
			c.add([]core.Memory{m})
		}
		if c.bytes > maxRecentBytes || len(c.rooms) != 2 {
			t.Errorf("%s: %d bytes of %d rooms, want the two used last", name, c.bytes, len(c.rooms))
		}
		k := roomKey{"a", "4"}
		for i := range 2 {
			c.add([]core.Memory{{ID: core.UUID(rune('n' + i)), AgentID: "a", RoomID: "4", Table: core.TableMessages, Content: content}})
		}
		if c.rooms[k] != nil || c.bytes > maxRecentBytes {
			t.Errorf("%s: a room of %d bytes is kept", name, c.bytes)
		}
	}
}

func TestARoomThatCannotBeReadIsNotNoted(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, _, err := db.Memory().Memories(gone, "a", core.MemoryQuery{Table: core.TableMessages, RoomID: "r", Limit: 5}); err == nil {
		t.Fatal("it was read")
	}
	if n := len(db.recents.rooms); n != 0 {
		t.Errorf("%d rooms are noted", n)
	}
}

func TestMessagesThatMakePlaceAreNotWeighed(t *testing.T) {
	t.Parallel()
	var c recents
	k := roomKey{"a", "r"}
	_, _, _, ticket := c.page(k, 5)
	c.put(k, ticket, nil)
	for i := range 3 * recentWindow {
		c.add([]core.Memory{{ID: "m", AgentID: "a", RoomID: "r", Table: core.TableMessages, CreatedAt: core.Millis(i), Content: core.Content{Text: "x"}}})
	}
	if want := recentBytes + recentWindow*(recentBytes+1); c.bytes != want {
		t.Errorf("%d bytes, want %d", c.bytes, want)
	}
}
