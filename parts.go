package eliza

import (
	"context"
	"fmt"

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

// parts are the pieces of a server, put together by build: what runs in them, and the services everybody uses,
// as the host wrapped them.
type parts struct {
	plugins *loop.Plugins
	lanes   messaging.Runner
	mind    memory.Runner
	agency  agents.Runner
	mirror  *mirrored     // nil unless the host replaced the agents service
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
	p, notes := &s.parts, s.cfg.bus
	if notes == nil {
		notes = &bus.Memory{}
	}
	always := append([]plugin.Plugin{bootstrap.Plugin(), doctor.Plugin(doctor.Options{})}, s.cfg.plugins...)
	p.plugins = loop.NewPlugins(s.log, always, s.cfg.catalog)
	if err := plugin.Migrate(context.Background(), s.store.Plugins(), p.plugins.All()); err != nil {
		return fmt.Errorf("eliza: %w", err)
	}
	for _, step := range [...]func() error{
		func() error { return s.buildMemory(notes) }, s.buildMedia, s.buildMessaging,
		func() error { return s.buildAgents(notes) }, s.buildAudio,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return s.buildRoutes(append(always, s.cfg.catalog...))
}

func (s *Server) buildMemory(notes core.Bus) (err error) {
	svc := s.cfg.memory.service
	if !s.cfg.memory.replaced {
		svc = memory.New(s.store.Memory(), memory.Options{Logger: s.log, Now: s.cfg.now, Bus: notes})
	}
	s.mind = memoryRunner(svc)
	s.memory, err = s.cfg.memory.around(svc)
	return err
}

func (s *Server) buildMedia() (err error) {
	svc := s.cfg.media.service
	if !s.cfg.media.replaced {
		blobs := s.cfg.blobs
		if blobs == nil {
			s.folder = media.NewFolder(s.cfg.files)
			blobs = s.folder
		}
		svc = media.New(blobs, media.Options{PublicPath: s.cfg.publicPath, Now: s.cfg.now})
	}
	s.media, err = s.cfg.media.around(svc)
	return err
}

func (s *Server) buildMessaging() (err error) {
	svc := s.cfg.messaging.service
	if !s.cfg.messaging.replaced {
		svc = messaging.New(s.store.Messaging(), messaging.Options{
			Logger: s.log, Memories: forgetful{s.memory, s.media}, TurnTimeout: s.cfg.turnTimeout, AgentToAgent: s.cfg.agentToAgent,
			InputControl: s.cfg.inputControl, Sessions: s.cfg.sessions, PublicURL: s.media.PublicURL, Hooks: s.observedHooks(), Now: s.cfg.now, Tracer: s.cfg.tracer,
		})
	}
	s.lanes = messagingRunner(svc)
	s.messaging, err = s.cfg.messaging.around(svc)
	return err
}

func (s *Server) buildAgents(notes core.Bus) (err error) {
	if s.cfg.agents.replaced {
		s.agency = agentsRunner(s.cfg.agents.service)
		s.mirror = newMirrored(s, s.cfg.agents.service)
		s.agents, err = s.cfg.agents.around(s.mirror)
		return err
	}
	brain, err := s.brain()
	if err != nil {
		return err
	}
	s.agency, err = agents.New(s.store.Agents(), s.tended(brain), notes, agents.Options{
		Logger: s.log, Now: s.cfg.now, Cipher: s.cfg.cipher, KnownPlugin: s.plugins.KnownPlugin,
		Started: s.started, Stopped: s.stopped, Deleting: s.deleting,
		Swapped: s.mind.Tend, // its embeddings may be of another model now
	})
	if err == nil {
		s.agents, err = s.cfg.agents.around(s.agency)
	}
	return err
}

// brain is what builds agents.
func (s *Server) brain() (agents.Factory, error) {
	if s.cfg.factory != nil {
		return s.cfg.factory, nil
	}
	return loop.New(loop.Options{
		Logger: s.log, Now: s.cfg.now, Known: s.plugins, Memories: s.memory.For, Sender: sender{s}, Decrypt: s.cfg.cipher.Decrypt, Setting: s.setting,
		Files: ownFiles{s.media, s.cfg.publicPath}, Services: map[string]any{plugin.DatabaseService: s.store.Plugins()},
		Tracer: s.cfg.tracer, Observe: s.cfg.observer.Did,
	})
}

func (s *Server) buildAudio() (err error) {
	svc := s.cfg.audio.service
	if !s.cfg.audio.replaced {
		svc = audio.New(s.agents, audio.Options{Messages: spoken{s.messaging}, TurnTimeout: s.cfg.turnTimeout, Now: s.cfg.now})
	}
	s.audio, err = s.cfg.audio.around(svc)
	return err
}

func (s *Server) buildRoutes(plugins []plugin.Plugin) (err error) {
	p := &s.parts
	p.gateway = messaging.NewGateway(p.messaging, messaging.GatewayOptions{
		Logger: s.log, Now: s.cfg.now, Tracer: s.cfg.tracer, Observe: s.cfg.observer.SocketEvent, Authenticate: s.cfg.auth, Logs: s.logs, InputControl: s.cfg.inputControl, EventRate: s.cfg.eventRate,
		Socket: socketio.Options{Origin: origin(s.cfg.origins), MaxSessions: s.cfg.maxSockets},
	})
	p.limits = newLimits(s.cfg, s.log)
	p.routes, err = plugin.NewRoutes(plugins, p.agents, s.pluginsOf, plugin.RoutesOptions{
		Logger: s.log, PublicPath: s.cfg.publicPath, MaxBody: s.cfg.maxBody, Authenticate: s.cfg.auth, RootLimit: p.limits.general,
		UI: s.cfg.uiFiles != nil && !s.cfg.uiOff(),
	})
	if err != nil {
		return fmt.Errorf("eliza: WithPlugins: %w", err)
	}
	stop := s.cfg.stop
	if stop == nil {
		stop = s.quit
	}
	p.operations = runtime.NewHandler(p.agents, s.logs, runtime.HandlerOptions{
		Logger: s.log, Now: s.cfg.now, MaxBody: s.cfg.maxBody, Version: s.cfg.version, Environment: s.cfg.environment(),
		Secured: !s.cfg.open, Operator: s.cfg.operator, Stop: stop, Servers: s.messageServers, EnvFile: s.cfg.envFile,
		FileLimit: p.limits.file, HealthLimit: p.limits.health,
	})
	p.groups = s.newGroups()
	return nil
}
