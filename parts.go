package eliza

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/agents/loop"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/messaging/bus"
	"github.com/eliza-go/eliza/messaging/socketio"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/plugin/bootstrap"
	"github.com/eliza-go/eliza/plugin/doctor"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
)

// stopGrace is how long a stopped agent may finish the turns it has begun.
const stopGrace = 10 * time.Second

// parts are the pieces of a server, put together by build: the defaults under the names of what they do,
// and the services everybody uses, as the host wrapped them.
type parts struct {
	plugins *loop.Plugins
	lanes   *messaging.Manager
	mind    *memory.Manager
	agency  *agents.Manager
	folder  *media.Folder // nil when the host keeps files elsewhere

	messaging messaging.Service
	agents    agents.Service
	memory    memory.Service
	media     media.Service
	audio     audio.Service

	gateway    *messaging.Gateway
	routes     *plugin.Routes
	operations *runtime.Handler
	limits     limits
	groups     Groups
}

// build makes the pieces and introduces neighbours to each other. Messaging comes first and gets its agents
// when it starts.
func (s *Server) build() error {
	p := &s.parts
	var err error
	cipher := s.cfg.cipher
	notes := &bus.Memory{}
	p.mind = memory.New(s.store.Memory(), memory.Options{Logger: s.log, Bus: notes})
	if p.memory, err = s.cfg.wrapMemory.around("WrapMemory", p.mind); err != nil {
		return err
	}
	blobs := s.cfg.blobs
	if blobs == nil {
		p.folder = media.NewFolder(s.cfg.files)
		blobs = p.folder
	}
	if p.media, err = s.cfg.wrapMedia.around("WrapMedia", media.New(blobs, media.Options{PublicPath: s.cfg.publicPath})); err != nil {
		return err
	}
	p.lanes = messaging.New(s.store.Messaging(), messaging.Options{
		Logger: s.log, Memories: forgetful{p.memory, p.media}, TurnTimeout: s.cfg.turnTimeout, AgentToAgent: s.cfg.agentToAgent, InputControl: s.cfg.inputControl, Sessions: s.cfg.sessions,
		PublicURL: p.media.PublicURL,
	})
	if p.messaging, err = s.cfg.wrapMessaging.around("WrapMessaging", p.lanes); err != nil {
		return err
	}
	always := append([]plugin.Plugin{bootstrap.Plugin(), doctor.Plugin(doctor.Options{})}, s.cfg.plugins...)
	p.plugins = loop.NewPlugins(s.log, always, s.cfg.catalog)
	factory := s.cfg.factory
	if factory == nil {
		factory, err = loop.New(loop.Options{
			Logger: s.log, Known: p.plugins, Memories: p.memory.For, Sender: p.lanes, Decrypt: cipher.Decrypt, Setting: s.setting,
			Files: ownFiles{p.media, s.cfg.publicPath},
		})
		if err != nil {
			return err
		}
	}
	p.agency, err = agents.New(s.store.Agents(), s.tended(factory), notes, agents.Options{
		Logger: s.log, Cipher: cipher, KnownPlugin: p.plugins.KnownPlugin,
		Started: s.started, Stopped: s.stopped, Deleting: s.deleting,
		Swapped: p.mind.Tend, // its embeddings may be of another model now
	})
	if err != nil {
		return err
	}
	if p.agents, err = s.cfg.wrapAgents.around("WrapAgents", p.agency); err != nil {
		return err
	}
	if p.audio, err = s.cfg.wrapAudio.around("WrapAudio", audio.New(p.agents, audio.Options{Messages: spoken{p.messaging}, TurnTimeout: s.cfg.turnTimeout})); err != nil {
		return err
	}
	p.gateway = messaging.NewGateway(p.messaging, messaging.GatewayOptions{
		Logger: s.log, Authenticate: s.cfg.auth, Logs: s.logs, InputControl: s.cfg.inputControl, EventRate: s.cfg.eventRate,
		Socket: socketio.Options{Origin: origin(s.cfg.origins)},
	})
	p.routes, err = plugin.NewRoutes(append(always, s.cfg.catalog...), p.agents, s.pluginsOf, plugin.RoutesOptions{
		Logger: s.log, PublicPath: s.cfg.publicPath, MaxBody: s.cfg.maxBody, Authenticate: s.cfg.auth,
		UI: s.cfg.uiFiles != nil && !s.cfg.uiOff(),
	})
	if err != nil {
		return fmt.Errorf("eliza: WithPlugins: %w", err)
	}
	p.limits = newLimits(s.cfg, s.log)
	stop := s.cfg.stop
	if stop == nil {
		stop = s.quit
	}
	p.operations = runtime.NewHandler(p.agents, s.logs, runtime.HandlerOptions{
		Logger: s.log, MaxBody: s.cfg.maxBody, Version: s.cfg.version, Environment: s.cfg.environment(),
		Secured: !s.cfg.open, Operator: s.cfg.operator, Stop: stop, Servers: s.messageServers, EnvFile: s.cfg.envFile,
		FileLimit: p.limits.file, HealthLimit: p.limits.health,
	})
	p.groups = s.newGroups()
	return nil
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
		if err == nil {
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
