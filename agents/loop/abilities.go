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
	plugin   string
	priority int
}

type provider struct {
	plugin.Provider
	plugin   string
	priority int
}

type evaluator struct {
	plugin.Evaluator
	plugin   string
	priority int
}

type handler struct {
	plugin string
	handle func(ctx context.Context, rt core.Runtime, e core.Event) error
}

// newAbilities indexes plugins. Of two actions, providers or evaluators with one name that of the plugin with the
// higher priority counts, else the first.
func newAbilities(log *slog.Logger, plugins []plugin.Plugin) *abilities {
	a := &abilities{byName: map[string]*action{}, events: map[string][]handler{}}
	for _, p := range plugins {
		for _, x := range p.Actions {
			a.addAction(log, action{x, p.Name, p.Priority})
		}
		for _, x := range p.Providers {
			a.addProvider(log, provider{x, p.Name, p.Priority})
		}
		for _, x := range p.Evaluators {
			a.addEvaluator(log, evaluator{x, p.Name, p.Priority})
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

func (a *abilities) addAction(log *slog.Logger, x action) {
	if x.Run == nil || normal(x.Name) == "" {
		log.Warn("action without name or function is left out", "plugin", x.plugin, "action", x.Name)
		return
	}
	i := slices.IndexFunc(a.actions, func(have action) bool { return normal(have.Name) == normal(x.Name) })
	switch {
	case i < 0:
		a.actions = append(a.actions, x)
	case x.priority > a.actions[i].priority:
		a.actions[i] = x
	default:
		log.Warn("action of that name is there already", "plugin", x.plugin, "action", x.Name)
	}
}

func (a *abilities) addProvider(log *slog.Logger, x provider) {
	if x.Get == nil || x.Name == "" {
		log.Warn("provider without name or function is left out", "plugin", x.plugin, "provider", x.Name)
		return
	}
	i := slices.IndexFunc(a.providers, func(have provider) bool { return have.Name == x.Name })
	switch {
	case i < 0:
		a.providers = append(a.providers, x)
	case x.priority > a.providers[i].priority:
		a.providers[i] = x
	default:
		log.Warn("provider of that name is there already", "plugin", x.plugin, "provider", x.Name)
	}
}

func (a *abilities) addEvaluator(log *slog.Logger, x evaluator) {
	if x.Run == nil || x.Name == "" {
		log.Warn("evaluator without name or function is left out", "plugin", x.plugin, "evaluator", x.Name)
		return
	}
	i := slices.IndexFunc(a.evaluators, func(have evaluator) bool { return have.Name == x.Name })
	switch {
	case i < 0:
		a.evaluators = append(a.evaluators, x)
	case x.priority > a.evaluators[i].priority:
		a.evaluators[i] = x
	default:
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
