package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// tables are a restaurant's, by the day: rows of a database in a real host. All agents share them.
type tables struct {
	mu   sync.Mutex
	free map[string]int
}

func newTables(days ...string) *tables {
	t := &tables{free: map[string]int{}}
	for _, day := range days {
		t.free[day] = 2
	}
	return t
}

// plugin is what agents get.
func (t *tables) plugin() plugin.Plugin {
	book := plugin.Tool("BOOK_TABLE", "Books a table for a number of guests on a day", t.book)
	book.Validate = t.offered // not offered to the model when there is nothing to book
	return plugin.Plugin{
		Name: "tables", Description: "Bookings of a restaurant",
		Actions:    []plugin.Action{book},
		Providers:  []plugin.Provider{{Name: "FREE_TABLES", Description: "Free tables of each day", Get: t.list}},
		Evaluators: []plugin.Evaluator{{Name: "BOOKINGS", Description: "Remembers who booked", Validate: booked, Run: remember}},
	}
}

// booking is what the model fills in. Missing and wrong fields are refused before book is called.
type booking struct {
	Guests int    `json:"guests" desc:"how many people, 1 to 8"`
	Day    string `json:"day" desc:"the day" enum:"friday,saturday"`
}

// book is not idempotent: the turn is marked before it runs, and is never run again after a crash.
func (t *tables) book(ctx context.Context, c *plugin.Call, in booking) (plugin.Result, error) {
	text, booked := t.take(in)
	if err := c.Reply(ctx, core.Content{Text: text}); err != nil { // what the guest reads
		return plugin.Result{}, err
	}
	return plugin.Result{Text: text, Values: map[string]any{"booked": booked}}, nil // what later actions and turns know
}

func (t *tables) take(in booking) (text string, booked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case in.Guests < 1 || in.Guests > 8: // what no type says is checked here, and answered in words
		return fmt.Sprintf("We have no table for %d.", in.Guests), false
	case t.free[in.Day] == 0:
		return "We are full on " + in.Day + ".", false
	}
	t.free[in.Day]--
	return fmt.Sprintf("Your table for %d on %s is booked.", in.Guests, in.Day), true
}

func (t *tables) offered(context.Context, *plugin.Call) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Max(slices.Collect(maps.Values(t.free))) > 0, nil
}

// list is part of every prompt.
func (t *tables) list(context.Context, *plugin.Call) (plugin.Data, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var days []string
	for _, day := range slices.Sorted(maps.Keys(t.free)) {
		days = append(days, fmt.Sprintf("%s %d", day, t.free[day]))
	}
	return plugin.Data{Text: "Free tables: " + strings.Join(days, ", ")}, nil
}

// said is the agent's last reply in the turn.
func said(c *plugin.Call) string {
	for _, m := range slices.Backward(c.Recent) {
		if m.EntityID == c.Runtime.AgentID() {
			return m.Content.Text
		}
	}
	return ""
}

func booked(_ context.Context, c *plugin.Call) (bool, error) {
	return strings.HasSuffix(said(c), "is booked."), nil
}

// remember runs after the answer has gone out and delays nobody.
func remember(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
	fact := core.Memory{Table: core.TableFacts, EntityID: c.Turn.AuthorID, RoomID: c.Room.ID, Content: core.Content{Text: "A guest was told: " + said(c)}}
	_, err := c.Runtime.Memories().Add(ctx, fact)
	return plugin.Result{}, err
}
