package loop

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/eliza-go/eliza/plugin"
)

// validate finds the actions that make sense now; all are asked at once.
func (u *turn) validate(ctx context.Context) {
	limited, cancel := context.WithTimeoutCause(ctx, u.r.opts.ProviderTimeout, errSlow)
	defer cancel()
	all, call := u.r.set.actions, u.call()
	answers := make([]func(context.Context) (bool, error), len(all))
	for i := range all {
		if a := &all[i]; a.Validate != nil {
			answers[i] = started(limited, u.r, place{a.plugin, "action", a.Name}, func(ctx context.Context) (bool, error) { return a.Validate(ctx, call) })
		}
	}
	valid := make([]plugin.Action, 0, len(all))
	for i := range all {
		ok, err := true, error(nil)
		if answers[i] != nil {
			ok, err = answers[i](limited)
		}
		if err != nil && ctx.Err() == nil {
			u.r.log.Warn("action is not offered", "plugin", all[i].plugin, "action", all[i].Name, "err", err)
		}
		if ok && err == nil {
			valid = append(valid, all[i].Action)
		}
	}
	u.valid = valid
}

// compose makes a new state: with only set, of the state so far and what these providers give now, else of
// all that are neither dynamic nor private. Those of also are asked in any case. A provider that fails is
// left out.
func (u *turn) compose(ctx context.Context, only []string, also ...string) error {
	return u.composeWithin(ctx, u.r.opts.ProviderTimeout, only, also...)
}

// composeWithin is compose with another time limit of each provider.
func (u *turn) composeWithin(ctx context.Context, limit time.Duration, only []string, also ...string) error {
	limited, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	chosen, call := u.r.set.chosen(only, also), u.call()
	answers := make([]func(context.Context) (plugin.Data, error), len(chosen))
	for i, p := range chosen {
		answers[i] = started(limited, u.r, place{p.plugin, "provider", p.Name}, func(ctx context.Context) (plugin.Data, error) { return p.Get(ctx, call) })
	}
	results := make([]*plugin.Data, len(chosen))
	for i, p := range chosen {
		d, err := answers[i](limited)
		switch {
		case err == nil:
			results[i] = &d
		case ctx.Err() == nil:
			u.r.log.Warn("provider is left out", "plugin", p.plugin, "provider", p.Name, "err", err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	data := map[string]plugin.Data{}
	values := map[string]any{"agentName": u.char.Name, "senderName": u.t.AuthorName, "roomType": u.t.ChannelType}
	if u.state != nil {
		maps.Copy(data, u.state.Data)
		maps.Copy(values, u.state.Values)
	}
	for i, p := range chosen {
		if d := results[i]; d != nil {
			data[p.Name] = *d
		}
	}
	u.state = u.r.set.merge(data, values)
	return nil
}

// chosen returns the providers to ask, in the order of their texts.
func (a *abilities) chosen(only, also []string) []*provider {
	var out []*provider
	for i := range a.providers {
		p := &a.providers[i]
		named := slices.ContainsFunc(also, func(n string) bool { return normal(n) == normal(p.Name) })
		if len(only) > 0 {
			named = named || slices.ContainsFunc(only, func(n string) bool { return normal(n) == normal(p.Name) })
		} else {
			named = named || !p.Dynamic && !p.Private
		}
		if named {
			out = append(out, p)
		}
	}
	return out
}

// merge makes a state of what providers gave. Providers are kept in the order of their positions.
func (a *abilities) merge(data map[string]plugin.Data, values map[string]any) *plugin.State {
	var texts []string
	for i := range a.providers {
		d, ok := data[a.providers[i].Name]
		if !ok {
			continue
		}
		maps.Copy(values, d.Values)
		if t := strings.TrimSpace(d.Text); t != "" {
			texts = append(texts, t)
		}
	}
	text := strings.Join(texts, "\n\n")
	values["providers"] = text
	return &plugin.State{Text: text, Values: values, Data: data}
}

// arrange lists what plugin code is told of, and puts providers in the order of their positions, equal ones in the order they came.
func (a *abilities) arrange() {
	slices.SortStableFunc(a.providers, func(x, y provider) int { return cmp.Compare(x.Position, y.Position) })
	for i := range a.providers {
		a.offered = append(a.offered, a.providers[i].Provider)
	}
	for i := range a.evaluators {
		a.looking = append(a.looking, a.evaluators[i].Evaluator)
	}
}

// withValues returns a state with more values; the state itself stays.
func withValues(s *plugin.State, values map[string]any) *plugin.State {
	if len(values) == 0 {
		return s
	}
	out := &plugin.State{Text: s.Text, Values: maps.Clone(s.Values), Data: s.Data}
	maps.Copy(out.Values, values)
	return out
}

// withResults returns a state that knows what the actions so far did; the state itself stays.
func withResults(s *plugin.State, values map[string]any, d plugin.Data) *plugin.State {
	out := &plugin.State{Text: s.Text, Values: maps.Clone(s.Values), Data: maps.Clone(s.Data)}
	maps.Copy(out.Values, values)
	maps.Copy(out.Values, d.Values)
	out.Data["ACTION_STATE"] = d
	return out
}
