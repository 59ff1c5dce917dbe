package eliza

import (
	"fmt"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// WithAgents replaces the agents service. Which agents there are, and which of them run, the server keeps in its store
// too, for that decides who has to answer a message: what is done through [Server.Agents] is seen at once, what the
// service does on its own when the server starts. One that is an [agents.Runner] is closed by [Server.Shutdown].
func WithAgents(s agents.Service) Option { return func(c *config) { c.agents.replace(s) } }

// WithMessaging replaces the messaging service. One that is a [messaging.Runner] is started and ended with the server;
// any other is the host's to run.
func WithMessaging(s messaging.Service) Option { return func(c *config) { c.messaging.replace(s) } }

// WithMemory replaces the memory service. One that is a [memory.Runner] embeds memories while the server runs, and is
// closed with it.
func WithMemory(s memory.Service) Option { return func(c *config) { c.memory.replace(s) } }

// WithMedia replaces the media service. To keep files elsewhere [WithBlobs] is enough.
func WithMedia(s media.Service) Option { return func(c *config) { c.media.replace(s) } }

// WithAudio replaces the audio service.
func WithAudio(s audio.Service) Option { return func(c *config) { c.audio.replace(s) } }

// WithBus carries notes between the processes of a server over a bus of the host's, which closes it; within the process
// otherwise.
func WithBus(b core.Bus) Option { return func(c *config) { c.bus = b } }

// WrapAgents decorates the agents service: everything that uses it uses what f returns. The first one is the
// innermost, around the default service or that of [WithAgents].
func WrapAgents(f func(agents.Service) agents.Service) Option {
	return func(c *config) { c.agents.wrap(f) }
}

// WrapMessaging decorates the messaging service, as [WrapAgents] does.
func WrapMessaging(f func(messaging.Service) messaging.Service) Option {
	return func(c *config) { c.messaging.wrap(f) }
}

// WrapMemory decorates the memory service, as [WrapAgents] does. What agents remember is asked of it too, by
// its For. Vectors are made by the innermost one.
func WrapMemory(f func(memory.Service) memory.Service) Option {
	return func(c *config) { c.memory.wrap(f) }
}

// WrapMedia decorates the media service, as [WrapAgents] does.
func WrapMedia(f func(media.Service) media.Service) Option {
	return func(c *config) { c.media.wrap(f) }
}

// WrapAudio decorates the audio service, as [WrapAgents] does.
func WrapAudio(f func(audio.Service) audio.Service) Option {
	return func(c *config) { c.audio.wrap(f) }
}

// piece is a service as the host wants it: another one in its place, decorators around it.
type piece[T any] struct {
	name     string // of the options, after With and Wrap
	replaced bool
	service  T
	wraps    []func(T) T
}

func (p *piece[T]) replace(service T) { p.service, p.replaced = service, true }

func (p *piece[T]) wrap(f func(T) T) { p.wraps = append(p.wraps, f) }

// check reports what is nil.
func (p *piece[T]) check(wrong func(format string, args ...any)) {
	if p.replaced && any(p.service) == nil {
		wrong("With%s: nil", p.name)
	}
	for _, f := range p.wraps {
		if f == nil {
			wrong("Wrap%s: nil", p.name)
		}
	}
}

// around puts the decorators around a service.
func (p *piece[T]) around(service T) (T, error) {
	for _, f := range p.wraps {
		if service = f(service); any(service) == nil {
			return service, fmt.Errorf("eliza: Wrap%s: no service returned", p.name)
		}
	}
	return service, nil
}
