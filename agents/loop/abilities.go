package loop

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// abilities is what the plugins of an agent bring, indexed. It is immutable.
type abilities struct {
	actions    []action
	byName     map[string]*action // by normalised name, then by simile
	providers  []provider         // in the order of their texts
	offered    []plugin.Provider  // the same, for plugin code
	evaluators []evaluator
	looking    []plugin.Evaluator // the same, for plugin code
	events     map[string][]handler
}

type action struct {
	plugin.Action
	origin
}

type provider struct {
	plugin.Provider
	origin
}

type evaluator struct {
	plugin.Evaluator
	origin
}

// origin is the plugin something comes from.
type origin struct {
	plugin   string
	priority int
}

func (o origin) rank() int { return o.priority }

type handler struct {
	plugin string
	handle func(ctx context.Context, rt core.Runtime, e core.Event) error
}

// newAbilities indexes plugins. Of two actions, providers or evaluators with one name that of the plugin with the
// higher priority counts, else the first.
func newAbilities(log *slog.Logger, plugins []plugin.Plugin) *abilities {
	a := &abilities{byName: map[string]*action{}, events: map[string][]handler{}}
	for _, p := range plugins {
		from := origin{p.Name, p.Priority}
		for _, x := range p.Actions {
			a.addAction(log, action{x, from})
		}
		for _, x := range p.Providers {
			a.addProvider(log, provider{x, from})
		}
		for _, x := range p.Evaluators {
			a.addEvaluator(log, evaluator{x, from})
		}
		for name, list := range p.Events {
			for _, fn := range list {
				a.events[name] = append(a.events[name], handler{p.Name, fn})
			}
		}
	}
	a.arrange()
	for i := range a.actions {
		a.byName[normal(a.actions[i].Name)] = &a.actions[i]
	}
	for i := range a.actions {
		for _, s := range a.actions[i].Similes {
			if _, taken := a.byName[normal(s)]; !taken {
				a.byName[normal(s)] = &a.actions[i]
			}
		}
	}
	return a
}

// put adds x to a list, in the place of the one that is the same if that has a lower priority, else not at all.
func put[T interface{ rank() int }](list []T, x T, same func(have T) bool) (_ []T, taken bool) {
	i := slices.IndexFunc(list, same)
	switch {
	case i < 0:
		return append(list, x), true
	case x.rank() > list[i].rank():
		list[i] = x
		return list, true
	}
	return list, false
}

func (a *abilities) addAction(log *slog.Logger, x action) {
	if x.Run == nil || normal(x.Name) == "" {
		log.Warn("action without name or function is left out", "plugin", x.plugin, "action", x.Name)
		return
	}
	var taken bool
	if a.actions, taken = put(a.actions, x, func(have action) bool { return normal(have.Name) == normal(x.Name) }); !taken {
		log.Warn("action of that name is there already", "plugin", x.plugin, "action", x.Name)
	}
}

func (a *abilities) addProvider(log *slog.Logger, x provider) {
	if x.Get == nil || x.Name == "" {
		log.Warn("provider without name or function is left out", "plugin", x.plugin, "provider", x.Name)
		return
	}
	var taken bool
	if a.providers, taken = put(a.providers, x, func(have provider) bool { return have.Name == x.Name }); !taken {
		log.Warn("provider of that name is there already", "plugin", x.plugin, "provider", x.Name)
	}
}

func (a *abilities) addEvaluator(log *slog.Logger, x evaluator) {
	if x.Run == nil || x.Name == "" {
		log.Warn("evaluator without name or function is left out", "plugin", x.plugin, "evaluator", x.Name)
		return
	}
	var taken bool
	if a.evaluators, taken = put(a.evaluators, x, func(have evaluator) bool { return have.Name == x.Name }); !taken {
		log.Warn("evaluator of that name is there already", "plugin", x.plugin, "evaluator", x.Name)
	}
}

// normal is a name as names are compared: without case and underscores.
func normal(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", ""))
}

// action finds an action by its name or a simile.
func (a *abilities) action(name string) *action { return a.byName[normal(name)] }

// canonical is the proper name of an action, the given one when nobody has it.
func (a *abilities) canonical(name string) string {
	if x := a.action(name); x != nil {
		return x.Name
	}
	return name
}
