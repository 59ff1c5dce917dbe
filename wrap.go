package eliza

import (
	"fmt"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
)

// WrapAgents decorates the agents service: everything that uses it uses what f returns. An f that does not
// pass on to its argument replaces the service. The first one is the innermost.
func WrapAgents(f func(agents.Service) agents.Service) Option {
	return func(c *config) { c.wrapAgents = append(c.wrapAgents, f) }
}

// WrapMessaging decorates the messaging service, as [WrapAgents] does.
func WrapMessaging(f func(messaging.Service) messaging.Service) Option {
	return func(c *config) { c.wrapMessaging = append(c.wrapMessaging, f) }
}

// WrapMemory decorates the memory service, as [WrapAgents] does. What agents remember is asked of it too, by
// its For. Vectors are made by the default one.
func WrapMemory(f func(memory.Service) memory.Service) Option {
	return func(c *config) { c.wrapMemory = append(c.wrapMemory, f) }
}

// WrapMedia decorates the media service, as [WrapAgents] does. To keep files elsewhere [WithBlobs] is enough.
func WrapMedia(f func(media.Service) media.Service) Option {
	return func(c *config) { c.wrapMedia = append(c.wrapMedia, f) }
}

// WrapAudio decorates the audio service, as [WrapAgents] does.
func WrapAudio(f func(audio.Service) audio.Service) Option {
	return func(c *config) { c.wrapAudio = append(c.wrapAudio, f) }
}

// wraps are the decorators of a service.
type wraps[T any] []func(T) T

// check reports a decorator that is none.
func (w wraps[T]) check(option string, wrong func(format string, args ...any)) {
	for _, f := range w {
		if f == nil {
			wrong("%s: nil", option)
		}
	}
}

// around puts the decorators around a service.
func (w wraps[T]) around(option string, service T) (T, error) {
	for _, f := range w {
		if service = f(service); any(service) == nil {
			return service, fmt.Errorf("eliza: %s: no service returned", option)
		}
	}
	return service, nil
}
