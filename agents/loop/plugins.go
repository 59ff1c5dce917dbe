package loop

import (
	"log/slog"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Plugins are the plugins a server knows: those every agent has and those a character may name. It is
// immutable and safe for concurrent use.
type Plugins struct {
	log    *slog.Logger
	names  []string // in order
	always []string
	byName map[string]plugin.Plugin
	fixed  map[string]bool // in always
}

// NewPlugins returns the plugins of a server. Of two with the same name the first counts, those of always
// before those of the catalog.
func NewPlugins(log *slog.Logger, always, catalog []plugin.Plugin) *Plugins {
	if log == nil {
		log = slog.Default()
	}
	p := &Plugins{log: log, byName: map[string]plugin.Plugin{}, fixed: map[string]bool{}}
	for i, list := range [][]plugin.Plugin{always, catalog} {
		for _, pl := range list {
			name := pluginName(pl.Name)
			if _, taken := p.byName[name]; taken || name == "" {
				log.Warn("plugin without a name of its own is left out", "plugin", pl.Name)
				continue
			}
			p.byName[name] = pl
			p.names = append(p.names, name)
			if i == 0 {
				p.always, p.fixed[name] = append(p.always, name), true
			}
		}
	}
	return p
}

// pluginName is the name without what package registries put before it: @scope/plugin-x is x.
func pluginName(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if strings.HasPrefix(s, "@") {
		if _, rest, ok := strings.Cut(s, "/"); ok {
			s = rest
		}
	}
	return strings.TrimPrefix(s, "plugin-")
}

// KnownPlugin tells whether naming a plugin in a character means something: the catalog has it, and not
// every agent has it anyway.
func (p *Plugins) KnownPlugin(name string) bool {
	name = pluginName(name)
	_, ok := p.byName[name]
	return ok && !p.fixed[name]
}

// PluginsOf returns the plugins of a character: those of every agent, then those it names, each after its
// dependencies and once. Names nobody knows are left out, with one log line.
func (p *Plugins) PluginsOf(c *core.Character) []plugin.Plugin {
	s := selection{p: p, state: map[string]int{}, log: p.log.With("agent_id", c.ID)}
	for _, name := range p.always {
		s.add(name)
	}
	for _, name := range c.Plugins {
		s.add(pluginName(name))
	}
	if len(s.unknown) > 0 {
		s.log.Info("plugins nobody offers are left out", "plugins", s.unknown)
	}
	return s.out
}

// All are the plugins of the server, each after its dependencies and once.
func (p *Plugins) All() []plugin.Plugin {
	s := selection{p: p, state: map[string]int{}, log: p.log}
	for _, name := range p.names {
		s.add(name)
	}
	return s.out
}

const (
	visiting = 1
	visited  = 2
)

type selection struct {
	p       *Plugins
	log     *slog.Logger
	state   map[string]int
	out     []plugin.Plugin
	unknown []string
}

func (s *selection) add(name string) {
	pl, ok := s.p.byName[name]
	switch {
	case s.state[name] == visiting:
		s.log.Warn("plugins depend on each other in a circle", "plugin", name)
		return
	case s.state[name] == visited || name == "":
		return
	case !ok:
		s.state[name] = visited
		s.unknown = append(s.unknown, name)
		return
	}
	s.state[name] = visiting
	for _, d := range pl.Dependencies {
		s.add(pluginName(d))
	}
	s.state[name] = visited
	s.out = append(s.out, pl)
}
