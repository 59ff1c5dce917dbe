package bootstrap

import (
	"context"
	"fmt"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxFacts   = 6  // of the room, and as many of who speaks
	factsRead  = 18 // nearest ones among which words decide
	maxRelated = 30
)

func facts() plugin.Provider {
	return plugin.Provider{
		Name: "FACTS", Description: "What the agent has learned about the people and the matter at hand", Dynamic: true,
		Get: func(ctx context.Context, c *plugin.Call) (plugin.Data, error) {
			list, err := factsFor(ctx, c)
			if err != nil {
				return plugin.Data{}, err
			}
			names := namesOf(c)
			out := make([]string, len(list))
			for i := range list {
				out[i] = "- " + clip(list[i].Content.Text, maxLine)
				if name := names[list[i].EntityID]; name != "" && !strings.Contains(list[i].Content.Text, name) {
					out[i] += " (about " + name + ")"
				}
			}
			all := lines(out)
			return plugin.Data{Text: strings.Join(sections("What you have learned", all), ""), Values: map[string]any{"facts": all}}, nil
		},
	}
}

// factsFor are the facts nearest to the message: of this room, and of who speaks wherever it was learned in
// this world, but in a group nothing they told the agent alone. An agent that cannot compare texts gets the newest.
func factsFor(ctx context.Context, c *plugin.Call) ([]core.Memory, error) {
	memories := c.Runtime.Memories()
	if memories == nil || c.Memory == nil {
		return nil, nil
	}
	here := core.MemoryQuery{Table: core.TableFacts, RoomID: c.Room.ID}
	who := core.MemoryQuery{Table: core.TableFacts, WorldID: c.Room.WorldID, EntityID: c.Memory.EntityID}
	find := memories.List
	if e := c.Runtime.Models().Embedder; e != nil && strings.TrimSpace(c.Memory.Content.Text) != "" {
		vectors, err := e.Embed(ctx, []string{clip(c.Memory.Content.Text, maxLine)})
		if err != nil || len(vectors) != 1 {
			return nil, fmt.Errorf("bootstrap: embed the message: %w", err)
		}
		for _, q := range []*core.MemoryQuery{&here, &who} {
			q.Vector, q.Model, q.Text = vectors[0], e.Name(), c.Memory.Content.Text
		}
		find = memories.Search
	}
	var out []core.Memory
	seen := map[string]bool{}
	asked := []core.MemoryQuery{here}
	if who.WorldID != "" && who.EntityID != "" { // an empty one would not filter
		asked = append(asked, who)
	}
	for _, q := range asked {
		q.Limit = factsRead
		found, err := find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("bootstrap: find facts: %w", err)
		}
		n := 0
		for i := range found {
			if key := sameText(found[i].Content.Text); n < maxFacts && key != "" && !seen[key] && speakable(c, &found[i]) {
				seen[key] = true
				out = append(out, found[i])
				n++
			}
		}
	}
	return out, nil
}

// speakable tells whether a fact may be used here: what was told in confidence is for no other ears.
func speakable(c *plugin.Call, fact *core.Memory) bool {
	return fact.RoomID == c.Room.ID || isDirect(c.Room.Type) || !isDirect(text(fact.Metadata["roomType"]))
}

// isDirect tells whether in rooms of a type nobody else listens.
func isDirect(room string) bool {
	switch room {
	case "DM", "VOICE_DM", "SELF", "API":
		return true
	}
	return false
}

// sameText is a text as texts are compared: without case, marks at its end and double spaces.
func sameText(s string) string {
	return strings.TrimRight(strings.Join(strings.Fields(strings.ToLower(s)), " "), ".! ")
}

func relationships() plugin.Provider {
	return plugin.Provider{
		Name: "RELATIONSHIPS", Description: "How the people around stand to each other", Dynamic: true,
		Get: func(ctx context.Context, c *plugin.Call) (plugin.Data, error) {
			memories := c.Runtime.Memories()
			if memories == nil || c.Memory == nil {
				return plugin.Data{}, nil
			}
			list, err := memories.Relationships(ctx, c.Memory.EntityID, maxRelated)
			if err != nil {
				return plugin.Data{}, fmt.Errorf("bootstrap: read relationships: %w", err)
			}
			names := namesOf(c)
			out := make([]string, len(list))
			for i, r := range list {
				out[i] = fmt.Sprintf("- %s and %s", called(r.SourceEntityID, names), called(r.TargetEntityID, names))
				if len(r.Tags) > 0 {
					out[i] += ": " + strings.Join(r.Tags, ", ")
				}
				if n := fmt.Sprint(r.Metadata["interactions"]); n != "<nil>" && n != "0" {
					out[i] += fmt.Sprintf(" (interactions: %s)", n)
				}
			}
			all := lines(out)
			return plugin.Data{Text: strings.Join(sections("Relationships", all), ""), Values: map[string]any{"relationships": all}}, nil
		},
	}
}

// called is an entity in a prompt.
func called(id core.UUID, names map[core.UUID]string) string {
	if n := names[id]; n != "" {
		return fmt.Sprintf("%s [%s]", n, id)
	}
	return "somebody [" + string(id) + "]"
}
