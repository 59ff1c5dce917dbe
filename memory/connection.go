package memory

import (
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxNames bounds the names an entity is known by.
const maxNames = 20

// MergeWorld returns the world as it is to be stored, given what is stored (nil = nothing), and whether
// that is a change. A world keeps its name, unless that was made up.
func (c Connection) MergeWorld(old *core.World) (w core.World, changed bool) {
	made := "Server " + short(core.UUID(c.World.ServerID), c.World.ID)
	if old == nil {
		w = c.World
		if w.Name == "" {
			w.Name = made
		}
		if w.CreatedAt == 0 {
			w.CreatedAt = core.ISO(core.Now())
		}
		return w, true
	}
	w = *old
	if c.World.Name != "" && w.Name == made {
		w.Name = c.World.Name
	}
	if w.ServerID == "" {
		w.ServerID = c.World.ServerID
	}
	return w, w.Name != old.Name || w.ServerID != old.ServerID
}

// MergeRoom is [Connection.MergeWorld] for the room, which takes over what the channel is now.
func (c Connection) MergeRoom(old *core.Room) (r core.Room, changed bool) {
	if old == nil {
		r = c.Room
		if r.Name == "" {
			r.Name = "Channel " + short(r.ChannelID, r.ID)
		}
		if r.Type == "" {
			r.Type = "GROUP"
		}
		if r.CreatedAt == 0 {
			r.CreatedAt = core.Now()
		}
		return r, true
	}
	r = *old
	take := func(dst *string, v string) {
		if v != "" && *dst != v {
			*dst, changed = v, true
		}
	}
	take(&r.Name, c.Room.Name)
	take(&r.Type, c.Room.Type)
	take(&r.ServerID, c.Room.ServerID)
	take((*string)(&r.ChannelID), string(c.Room.ChannelID))
	take((*string)(&r.WorldID), string(c.Room.WorldID))
	return r, changed
}

// MergeMember is [Connection.MergeWorld] for somebody in the room: names add up, and metadata says under
// each source who they are there.
func (c Connection) MergeMember(old *core.Entity, m Member) (e core.Entity, changed bool) {
	name := strings.TrimSpace(m.Name)
	if old == nil {
		if name == "" {
			name = "User-" + short(m.ID, m.ID)
		}
		return core.Entity{ID: m.ID, AgentID: c.Room.AgentID, Names: []string{name}, Metadata: map[string]any{
			"source": m.Source, m.Source: map[string]any{"id": string(m.ID), "name": name},
		}}, true
	}
	e = *old
	if name == "" {
		return e, false
	}
	if !slices.Contains(e.Names, name) {
		e.Names = append(slices.Clone(e.Names), name)
		e.Names = e.Names[max(0, len(e.Names)-maxNames):]
		changed = true
	}
	if there, _ := e.Metadata[m.Source].(map[string]any); m.Source != "source" && there["name"] != name {
		merged := map[string]any{}
		for k, v := range e.Metadata {
			merged[k] = v
		}
		merged[m.Source] = map[string]any{"id": string(m.ID), "name": name}
		e.Metadata, changed = merged, true
	}
	return e, changed
}

// short is the beginning of the first id that is set.
func short(ids ...core.UUID) string {
	for _, id := range ids {
		if len(id) >= 8 {
			return string(id[:8])
		}
	}
	return "unknown"
}
