package eliza

import (
	"context"
	"slices"
	"time"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	stopGrace  = 10 * time.Second // how long a stopped agent may finish the turns it has begun
	mostAgents = 100_000          // active agents that are asked for at once
)

// sender is the way of messages nobody asked for: that of all others.
type sender struct{ s *Server }

// Say implements [loop.Sender].
func (x sender) Say(ctx context.Context, agent core.Runtime, channel core.UUID, c core.Content) (core.UUID, error) {
	return messaging.Say(ctx, x.s.messaging, agent, channel, c)
}

// Control implements [loop.Sender].
func (x sender) Control(ctx context.Context, channel core.UUID, action, target string) error {
	return x.s.messaging.Control(ctx, channel, action, target)
}

// messageServers are all message servers, as clients get them.
func (s *Server) messageServers(ctx context.Context) ([]any, error) {
	list, err := s.messaging.Servers(ctx, 1000)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out, nil
}

// setting is a setting of the host's.
func (s *Server) setting(key string) (string, bool) {
	v, ok := s.cfg.settings[key]
	return v, ok
}

// started does the neighbours' part of a start: the agent gets its own room and joins the default message
// server. An agent whose start fails is closed again.
func (s *Server) started(ctx context.Context, id core.UUID) (err error) {
	defer func() {
		if err != nil {
			s.mind.Untend(id)
		}
	}()
	a, err := s.agents.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := s.memory.Ensure(ctx, id, a.Character.Name); err != nil {
		return err
	}
	return s.messaging.AddServerAgent(ctx, core.DefaultServerID, id)
}

// tended has the memories of the agents that are built looked after.
func (s *Server) tended(build agents.Factory) agents.Factory {
	return func(ctx context.Context, c *core.Character) (core.Runtime, error) {
		rt, err := build(ctx, c)
		if err == nil && rt != nil {
			s.mind.Tend(rt)
		}
		return rt, err
	}
}

func (s *Server) stopped(ctx context.Context, id core.UUID) error {
	s.mind.Untend(id)
	return s.lanes.StopAgent(ctx, id, stopGrace)
}

func (s *Server) deleting(ctx context.Context, id core.UUID) error {
	if err := s.lanes.ForgetAgent(ctx, id); err != nil {
		return err
	}
	if err := s.media.DeleteAgent(ctx, id); err != nil {
		return err
	}
	return s.memory.ForgetAgent(ctx, id)
}

// spoken tells audio what a message says.
type spoken struct{ svc messaging.Service }

// MessageText implements [audio.Messages]: an agent speaks what was said where it takes part.
func (m spoken) MessageText(ctx context.Context, agent, id core.UUID) (string, error) {
	msg, err := m.svc.Message(ctx, id)
	if err != nil {
		return "", err
	}
	there, err := m.svc.ChannelAgents(ctx, msg.ChannelID)
	if err == nil && !slices.Contains(there, agent) {
		err = messaging.ErrMessageNotFound
	}
	return msg.Content, err
}

// forgetful does the neighbours' part of what messaging deletes: memories, and the files of a channel.
type forgetful struct {
	memory.Service
	files media.Service
}

// ForgetChannel implements [messaging.Memories].
func (f forgetful) ForgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error {
	if dropRooms {
		if err := f.files.DeleteChannel(ctx, channel); err != nil {
			return err
		}
	}
	return f.Service.ForgetChannel(ctx, channel, dropRooms)
}

// pluginsOf tells which plugins an active agent has, from its stored character.
func (s *Server) pluginsOf(ctx context.Context, id core.UUID) ([]plugin.Plugin, error) {
	a, err := s.agents.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !a.Active {
		return nil, agents.ErrNotRunning
	}
	return s.plugins.PluginsOf(a.Character), nil
}

// hasServices tells whether any plugin has a service.
func (s *Server) hasServices() bool {
	return servesAlways(s.cfg.plugins) || servesAlways(s.cfg.catalog)
}

func servesAlways(plugins []plugin.Plugin) bool {
	for _, p := range plugins {
		if len(p.Services) > 0 {
			return true
		}
	}
	return false
}

// The services of a host that runs them itself: nothing is started, told or ended here.
type (
	hostsMessaging struct{ messaging.Service }
	hostsMemory    struct{ memory.Service }
	hostsAgents    struct{ agents.Service }
)

func messagingRunner(svc messaging.Service) messaging.Runner {
	if r, ok := svc.(messaging.Runner); ok {
		return r
	}
	return hostsMessaging{svc}
}

func (hostsMessaging) Start(context.Context, messaging.Agents) error             { return nil }
func (hostsMessaging) Shutdown(context.Context) error                            { return nil }
func (hostsMessaging) StopAgent(context.Context, core.UUID, time.Duration) error { return nil }
func (hostsMessaging) ForgetAgent(context.Context, core.UUID) error              { return nil }

func memoryRunner(svc memory.Service) memory.Runner {
	if r, ok := svc.(memory.Runner); ok {
		return r
	}
	return hostsMemory{svc}
}

func (hostsMemory) Embed(context.Context) {}
func (hostsMemory) Tend(core.Runtime)     {}
func (hostsMemory) Untend(core.UUID)      {}
func (hostsMemory) Close()                {}

func agentsRunner(svc agents.Service) agents.Runner {
	if r, ok := svc.(agents.Runner); ok {
		return r
	}
	return hostsAgents{svc}
}

func (hostsAgents) Close(context.Context) error { return nil }
