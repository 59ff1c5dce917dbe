package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	// tableReflections has one memory a room, which says up to where the agent has thought about it.
	tableReflections = "reflections"
	usualHistory     = 32
	maxKnown         = 30     // facts a model is told it knows
	maxRemembered    = 10_000 // rooms whose marks are kept in the process
)

// place is a room of an agent.
type place struct{ agent, room core.UUID }

// reflection is an evaluator that learns from a conversation. Once more than a quarter of the messages a
// prompt holds are new in a room it asks a small model for facts and relationships. How far it has looked is
// stored; what it holds here only saves reading that.
type reflection struct {
	mu    sync.Mutex
	until map[place]core.Millis
	busy  map[place]bool
}

func newReflection() *reflection {
	return &reflection{until: map[place]core.Millis{}, busy: map[place]bool{}}
}

func (r *reflection) evaluator() plugin.Evaluator {
	return plugin.Evaluator{
		Name: "REFLECTION", Description: "Learns facts and relationships from what was said",
		Validate: r.due, Run: r.run,
	}
}

// due tells whether there is enough to think about that nobody is thinking about yet.
func (r *reflection) due(ctx context.Context, c *plugin.Call) (bool, error) {
	memories := c.Runtime.Memories()
	at, history := place{c.Runtime.AgentID(), c.Room.ID}, c.History
	if history <= 0 {
		history = usualHistory
	}
	enough := (history + 3) / 4
	r.mu.Lock()
	until, known := r.until[at]
	busy := r.busy[at]
	r.mu.Unlock()
	if memories == nil || busy || newer(c.Recent, until) <= enough {
		return false, nil
	}
	if !known {
		mark, err := readMark(ctx, memories, at)
		if err != nil {
			return false, err
		}
		r.remember(at, mark)
		until = mark
	}
	return newer(c.Recent, until) > enough, nil
}

// newer counts what was said after a moment.
func newer(recent []core.Memory, until core.Millis) (n int) {
	for i := range recent {
		if m := &recent[i]; m.CreatedAt > until && isSpeech(m) {
			n++
		}
	}
	return n
}

func isSpeech(m *core.Memory) bool {
	return m.Metadata["type"] != actionResult && strings.TrimSpace(m.Content.Text) != ""
}

// begin reserves a room.
func (r *reflection) begin(at place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[at] {
		return false
	}
	r.busy[at] = true
	return true
}

func (r *reflection) end(at place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, at)
}

func (r *reflection) remember(at place, until core.Millis) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.until) >= maxRemembered {
		clear(r.until)
	}
	r.until[at] = max(until, r.until[at])
}

// run asks and learns. What was looked at is not looked at again, whatever came out of it; when the model
// fails that holds for this process alone.
func (r *reflection) run(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
	memories, at := c.Runtime.Memories(), place{c.Runtime.AgentID(), c.Room.ID}
	if memories == nil || !r.begin(at) {
		return plugin.Result{}, nil
	}
	defer r.end(at)
	var until core.Millis
	for i := range c.Recent {
		until = max(until, c.Recent[i].CreatedAt)
	}
	defer r.remember(at, until)
	known, err := memories.List(ctx, core.MemoryQuery{Table: core.TableFacts, RoomID: c.Room.ID, Limit: maxKnown})
	if err != nil {
		return plugin.Result{}, fmt.Errorf("bootstrap: read facts: %w", err)
	}
	a, err := c.Generate(ctx, plugin.Prompt{
		Type: core.TextSmall, Purpose: core.PurposeReflect, Name: "reflectionTemplate", Template: reflectionText, Values: reflectionValues(c, known),
	})
	if err != nil {
		return plugin.Result{}, err
	}
	learned, err := learn(ctx, c, factsIn(c, a.Items["facts"]))
	if err != nil {
		return plugin.Result{}, err
	}
	related, err := relate(ctx, c, a.Items["relationships"])
	if err != nil {
		return plugin.Result{}, err
	}
	text := fmt.Sprintf("%d facts, %d relationships", learned, related)
	return plugin.Result{Text: text, Data: map[string]any{"facts": learned, "relationships": related}}, writeMark(ctx, memories, c, at, until)
}

// reflectionValues is what the prompt is made from: the conversation with the last answer in it.
func reflectionValues(c *plugin.Call, known []core.Memory) map[string]any {
	names, now := namesOf(c), c.Clock.Time()
	var talk, facts, people []string
	for i := range c.Recent {
		if isSpeech(&c.Recent[i]) {
			talk = append(talk, line(&c.Recent[i], names, now))
		}
	}
	for i := range known {
		facts = append(facts, "- "+clip(known[i].Content.Text, maxLine))
	}
	for _, e := range c.People {
		people = append(people, "- "+called(e.ID, names))
	}
	return map[string]any{"recentMessages": lines(talk), "knownFacts": lines(facts), "entitiesInRoom": lines(people)}
}

func markID(at place) core.UUID { return core.ForAgent(at.agent, "reflection:"+string(at.room)) }

// readMark is up to where a room has been looked at, 0 when it has not.
func readMark(ctx context.Context, memories core.Memories, at place) (core.Millis, error) {
	list, err := memories.List(ctx, core.MemoryQuery{Table: tableReflections, RoomID: at.room, Limit: 1})
	if err != nil {
		return 0, fmt.Errorf("bootstrap: read the last reflection: %w", err)
	}
	if len(list) == 0 {
		return 0, nil
	}
	n, _ := strconv.ParseInt(text(list[0].Metadata["until"]), 10, 64)
	return core.Millis(n), nil
}

func writeMark(ctx context.Context, memories core.Memories, c *plugin.Call, at place, until core.Millis) error {
	mark := core.Memory{
		ID: markID(at), Table: tableReflections, EntityID: at.agent, RoomID: at.room, WorldID: c.Room.WorldID,
		Metadata: map[string]any{"type": "reflection", "until": strconv.FormatInt(int64(until), 10)},
	}
	err := memories.Update(ctx, mark)
	if errors.Is(err, &core.Error{Code: core.CodeNotFound}) {
		_, err = memories.Add(ctx, mark)
	}
	if err != nil {
		return fmt.Errorf("bootstrap: note the reflection: %w", err)
	}
	return nil
}

const reflectionText = `<task>Note what {{agentName}} should remember from this conversation for later ones.</task>

<people>
{{entitiesInRoom}}
</people>

{{#if knownFacts}}<known>
{{knownFacts}}
</known>

{{/if}}<conversation>
{{recentMessages}}
</conversation>

<rules>
- A fact is worth a note when it will still be true and useful another day: names, tastes, work, family, places, plans, agreements. Leave out small talk and what is known already.
- Write each fact as a sentence of its own, with the name of the person in it. Note only what was said; guess nothing.
- A relationship stands between two of the people above, by their ids, with a few words as tags.
- When there is nothing to note, leave the lists empty.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <thought>how the conversation goes, in a sentence</thought>
  <facts>
    <fact><claim>one sentence</claim><about>id of the person</about></fact>
  </facts>
  <relationships>
    <relationship><sourceEntityId>id</sourceEntityId><targetEntityId>id</targetEntityId><tags>friends, colleagues</tags></relationship>
  </relationships>
</response>
</output>`
