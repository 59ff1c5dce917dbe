package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxRooms  = 50  // of a world, in a prompt
	roomsRead = 200 // newest ones among which those of the world are found
)

// worldOf is the world of the room; the zero one when there is none.
func worldOf(ctx context.Context, c *plugin.Call) (core.World, error) {
	memories := c.Runtime.Memories()
	if memories == nil || c.Room.WorldID == "" {
		return core.World{}, nil
	}
	w, err := memories.World(ctx, c.Room.WorldID)
	switch {
	case errors.Is(err, &core.Error{Code: core.CodeNotFound}):
		return core.World{}, nil
	case err != nil:
		return core.World{}, fmt.Errorf("bootstrap: read the world: %w", err)
	}
	return w, nil
}

func world() plugin.Provider {
	return plugin.Provider{
		Name: "WORLD", Description: "The rooms of this place, and who is in this one", Dynamic: true,
		Get: func(ctx context.Context, c *plugin.Call) (plugin.Data, error) {
			w, err := worldOf(ctx, c)
			if err != nil {
				return plugin.Data{}, err
			}
			var rooms []core.Room
			if w.ID != "" {
				if rooms, err = c.Runtime.Memories().Rooms(ctx, roomsRead); err != nil {
					return plugin.Data{}, fmt.Errorf("bootstrap: read the rooms: %w", err)
				}
			}
			var around, people []string
			for _, r := range rooms {
				open := r.ID == c.Room.ID || !isDirect(r.Type) // who talks to the agent alone is nobody else's business
				if open && r.WorldID == w.ID && len(around) < maxRooms {
					s := fmt.Sprintf("- %s (%s)", r.Name, r.Type)
					if r.ID == c.Room.ID {
						s += ", where you are"
					}
					around = append(around, s)
				}
			}
			names := namesOf(c)
			for _, e := range c.People {
				people = append(people, "- "+called(e.ID, names))
			}
			info := strings.Join(sections(
				"This place", sentence(w.Name != "", "%s. You are in %s.", w.Name, c.Room.Name),
				"Rooms of this place", lines(around), "In this room", lines(people),
			), "\n\n")
			return plugin.Data{Text: info, Values: map[string]any{"worldName": w.Name, "currentChannelName": c.Room.Name, "worldInfo": info}}, nil
		},
	}
}

func roles() plugin.Provider {
	return plugin.Provider{
		Name: "ROLES", Description: "Who owns and who administers this place", Dynamic: true,
		Get: func(ctx context.Context, c *plugin.Call) (plugin.Data, error) {
			w, err := worldOf(ctx, c)
			if err != nil {
				return plugin.Data{}, err
			}
			of, names := rolesOf(w), namesOf(c)
			var out []string
			for _, role := range []string{roleOwner, roleAdmin} {
				for _, who := range slices.Sorted(maps.Keys(of)) {
					if of[who] == role {
						out = append(out, fmt.Sprintf("- %s: %s", role, called(who, names)))
					}
				}
			}
			all := lines(out)
			return plugin.Data{Text: strings.Join(sections("Roles", all), ""), Values: map[string]any{"roles": all}}, nil
		},
	}
}

// Roles that mean something.
const (
	roleOwner = "OWNER"
	roleAdmin = "ADMIN"
)

// rolesOf are the roles in a world, by entity.
func rolesOf(w core.World) map[core.UUID]string {
	out := map[core.UUID]string{}
	given, _ := w.Metadata["roles"].(map[string]any)
	for who, role := range given {
		if id, err := core.ParseUUID(who); err == nil {
			out[id] = strings.ToUpper(text(role))
		}
	}
	if owner, ok := w.Metadata["ownership"].(map[string]any); ok {
		if who := id(owner["ownerId"]); who != "" {
			out[who] = roleOwner
		}
	}
	return out
}

func settings() plugin.Provider {
	return plugin.Provider{
		Name: "SETTINGS", Description: "The settings of this place, for those who may change them", Dynamic: true,
		Get: func(ctx context.Context, c *plugin.Call) (plugin.Data, error) {
			w, err := worldOf(ctx, c)
			if err != nil || c.Room.Type != "DM" || c.Memory == nil {
				return plugin.Data{}, err // what is set is nothing for a group to read
			}
			switch rolesOf(w)[c.Memory.EntityID] {
			case roleOwner, roleAdmin:
			default:
				return plugin.Data{}, nil
			}
			given, _ := w.Metadata["settings"].(map[string]any)
			var out []string
			for _, key := range slices.Sorted(maps.Keys(given)) {
				out = append(out, settingLine(key, given[key]))
			}
			all := lines(out)
			return plugin.Data{Text: strings.Join(sections("Settings", all), ""), Values: map[string]any{"settings": all}}, nil
		},
	}
}

// settingLine is a setting in a prompt: a value, or an object that also says what it is for. Secrets are only
// told to be there.
func settingLine(key string, v any) string {
	about, detailed := v.(map[string]any)
	if detailed {
		v = about["value"]
	}
	value := "not set"
	switch {
	case v == nil || v == "":
	case about["secret"] == true || containsAny(strings.ToLower(key), []string{"secret", "token", "password", "key"}):
		value = "set, and secret"
	default:
		value = clip(fmt.Sprint(v), maxLine)
	}
	s := fmt.Sprintf("- %s: %s", key, value)
	if d := text(about["description"]); d != "" {
		s += " (" + d + ")"
	}
	if about["required"] == true && value == "not set" {
		s += ", needed"
	}
	return s
}
