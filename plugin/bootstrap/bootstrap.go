package bootstrap

import (
	"context"
	"fmt"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Plugin returns the plugin. One value serves all agents: what it holds only saves reading what is stored.
func Plugin() plugin.Plugin {
	return plugin.Plugin{
		Name:        "bootstrap",
		Description: "Actions and providers every agent starts with",
		Actions: []plugin.Action{
			reply(), ignore(), none(), muteRoom(), unmuteRoom(), followRoom(), unfollowRoom(), generateImage(),
		},
		Providers: []plugin.Provider{
			actions(), character(), providers(), now(), anxiety(), evaluators(), recentMessages(), actionState(),
			entities(), attachments(), facts(), relationships(), world(), roles(), settings(),
		},
		Evaluators: []plugin.Evaluator{newReflection().evaluator()},
		Events: map[string][]func(context.Context, core.Runtime, core.Event) error{
			core.EventEntityJoined: {joined},
		},
	}
}

// joined makes the agent know somebody who came into a channel, ahead of the first message.
func joined(ctx context.Context, rt core.Runtime, e core.Event) error {
	memories := rt.Memories()
	if memories == nil {
		return nil
	}
	meta, _ := e.Data["metadata"].(map[string]any)
	t := &core.Turn{
		ID: core.NewUUID(), ServerID: id(e.Data["worldId"]), ChannelID: id(e.Data["roomId"]), AuthorID: id(e.Data["entityId"]),
		AuthorName: text(meta["displayName"]), Source: e.Source, Metadata: meta,
	}
	if text(meta["type"]) == "DM" {
		t.ChannelType = "DM" // any other is the joining client's guess: what is known of the channel stays
	}
	if t.AuthorName == "" {
		t.AuthorName = text(meta["username"])
	}
	if t.ChannelID == "" || t.AuthorID == "" {
		return nil
	}
	if _, err := memories.Connect(ctx, t); err != nil {
		return fmt.Errorf("bootstrap: connect who joined: %w", err)
	}
	return nil
}

func id(v any) core.UUID {
	switch v := v.(type) {
	case core.UUID:
		return v
	case string:
		u, err := core.ParseUUID(v)
		if err == nil {
			return u
		}
	}
	return ""
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
