package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxLearned    = 20   // facts or relationships of one reflection
	maxClaim      = 1000 // characters of a fact
	maxTags       = 10
	nearlyTheSame = 0.95
)

// factsIn are the facts a model noted, as memories. What it marks as known is left out.
func factsIn(c *plugin.Call, items []map[string]string) []core.Memory {
	var out []core.Memory
	seen := map[string]bool{}
	for _, item := range items {
		claim := short(strings.Join(strings.Fields(firstOf(item, "claim", "fact", "text", "")), " "), maxClaim)
		key := sameText(claim)
		if key == "" || seen[key] || len(out) == maxLearned || item["already_known"] == "true" || item["in_bio"] == "true" {
			continue
		}
		seen[key] = true
		about := somebody(c, firstOf(item, "about", "entityId", "entity", "subject"))
		if about == "" && c.Memory != nil {
			about = c.Memory.EntityID
		}
		m := core.Memory{
			Table: core.TableFacts, EntityID: about, RoomID: c.Room.ID, WorldID: c.Room.WorldID, Unique: true,
			Content: core.Content{Text: claim}, Metadata: map[string]any{"type": "fact", "roomType": c.Room.Type},
		}
		if c.Memory != nil {
			m.Metadata["sourceMessageId"] = string(c.Memory.ID)
		}
		if kind := item["type"]; kind != "" {
			m.Metadata["kind"] = short(kind, maxImageTitle)
		}
		out = append(out, m)
	}
	return out
}

func firstOf(item map[string]string, keys ...string) string {
	for _, k := range keys {
		if v := item[k]; v != "" {
			return v
		}
	}
	return ""
}

// somebody is who of the room is meant by an id or a name, "" when nobody.
func somebody(c *plugin.Call, who string) core.UUID {
	who = strings.Trim(who, "[] \t\r\n")
	if who == "" {
		return ""
	}
	if strings.EqualFold(who, c.Runtime.Character().Name) {
		return c.Runtime.AgentID()
	}
	for _, e := range c.People {
		if strings.EqualFold(who, string(e.ID)) || slices.ContainsFunc(e.Names, func(n string) bool { return strings.EqualFold(n, who) }) {
			return e.ID
		}
	}
	return ""
}

// learn stores the facts that are new: neither the same text is known nor, where texts can be compared, one
// that says the same.
func learn(ctx context.Context, c *plugin.Call, list []core.Memory) (int, error) {
	memories := c.Runtime.Memories()
	var fresh []core.Memory
	for _, m := range list {
		same, err := memories.List(ctx, core.MemoryQuery{Table: core.TableFacts, RoomID: m.RoomID, Text: strings.TrimRight(m.Content.Text, ".! "), Limit: maxKnown})
		if err != nil {
			return 0, fmt.Errorf("bootstrap: look for a fact: %w", err)
		}
		if !slices.ContainsFunc(same, func(k core.Memory) bool { return sameText(k.Content.Text) == sameText(m.Content.Text) }) {
			fresh = append(fresh, m)
		}
	}
	fresh, err := unlike(ctx, c, fresh)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	if err := memories.Record(ctx, fresh, nil); err != nil {
		return 0, fmt.Errorf("bootstrap: store facts: %w", err)
	}
	return len(fresh), nil
}

// unlike gives the facts their vectors and leaves out those that say what is known. Without vectors, for the
// model may fail, all of them stay: they are given some later.
func unlike(ctx context.Context, c *plugin.Call, list []core.Memory) ([]core.Memory, error) {
	e := c.Runtime.Models().Embedder
	if e == nil || len(list) == 0 {
		return list, nil
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Content.Text
	}
	vectors, err := e.Embed(ctx, texts)
	if err != nil || len(vectors) != len(list) {
		return list, ctx.Err()
	}
	var out []core.Memory
	for i, m := range list {
		m.Embedding, m.Model = vectors[i], e.Name()
		near, err := c.Runtime.Memories().Search(ctx, core.MemoryQuery{
			Table: core.TableFacts, RoomID: m.RoomID, EntityID: m.EntityID, Vector: m.Embedding, Model: m.Model, Threshold: nearlyTheSame, Limit: 1,
		})
		if err != nil {
			return nil, fmt.Errorf("bootstrap: look for a fact: %w", err)
		}
		if len(near) == 0 {
			out = append(out, m)
		}
	}
	return out, nil
}

// relate stores the relationships a model noted between people of the room.
func relate(ctx context.Context, c *plugin.Call, items []map[string]string) (n int, err error) {
	for _, item := range items[:min(len(items), maxLearned)] {
		source := somebody(c, firstOf(item, "sourceEntityId", "source", "from"))
		target := somebody(c, firstOf(item, "targetEntityId", "target", "to"))
		if source == "" || target == "" || source == target {
			continue
		}
		r := core.Relationship{SourceEntityID: source, TargetEntityID: target, Tags: tagsIn(item["tags"])}
		if err := c.Runtime.Memories().Relate(ctx, r); err != nil {
			return n, fmt.Errorf("bootstrap: store a relationship: %w", err)
		}
		n++
	}
	return n, nil
}

func tagsIn(s string) []string {
	var out []string
	for t := range strings.SplitSeq(s, ",") {
		if t = short(strings.ToLower(strings.TrimSpace(t)), maxImageTitle); t != "" && len(out) < maxTags && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
