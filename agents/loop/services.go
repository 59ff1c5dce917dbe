package loop

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// service is one that has been started.
type service struct {
	at    place
	value any
	def   plugin.Service
}

// Service implements [core.Runtime]: a plugin's service, or else one of [Options.Services].
func (r *Runtime) Service(name string) (any, bool) {
	if value, ok := r.ownService(name); ok {
		return value, true
	}
	value, ok := r.opts.Services[name]
	return value, ok
}

func (r *Runtime) ownService(name string) (any, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.services[name]
	return s.value, ok
}

// startServices starts the services of all plugins. Of two with one type the first counts.
func (r *Runtime) startServices(ctx context.Context) error {
	for i := range r.plugins {
		p := &r.plugins[i]
		for _, s := range p.Services {
			if _, taken := r.ownService(s.Type); taken || s.Start == nil {
				r.log.Warn("service is left out", "plugin", p.Name, "service", s.Type)
				continue
			}
			at := place{p.Name, "service", s.Type}
			value, err := bounded(ctx, r, r.opts.ServiceTimeout, at, func(ctx context.Context) (any, error) {
				return s.Start(ctx, r)
			})
			if err != nil {
				return &core.Error{Code: core.CodeStart, Message: "Service " + s.Type + " could not be started", Err: err}
			}
			r.mu.Lock()
			r.services[s.Type] = service{at, value, s}
			r.order = append(r.order, s.Type)
			r.mu.Unlock()
		}
	}
	return nil
}

// stopServices stops what was started, the last one first.
func (r *Runtime) stopServices(ctx context.Context) error {
	r.mu.Lock()
	running, order := r.services, r.order
	r.services, r.order = map[string]service{}, nil
	r.mu.Unlock()
	var errs []error
	for _, name := range slices.Backward(order) {
		s := running[name]
		if s.def.Stop == nil {
			continue
		}
		_, err := bounded(ctx, r, r.opts.ServiceTimeout, s.at, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.def.Stop(ctx, s.value)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("loop: stop service %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Emit implements [core.Runtime]: all handlers of the event run at once, and are awaited.
func (r *Runtime) Emit(ctx context.Context, e core.Event) error {
	handlers := r.set.events[e.Name]
	if len(handlers) == 0 {
		return nil
	}
	ends := make(chan error, len(handlers))
	for _, h := range handlers {
		go func() {
			_, err := bounded(ctx, r, r.opts.ActionTimeout, place{h.plugin, "event", e.Name}, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, h.handle(ctx, r, e)
			})
			if err != nil {
				err = fmt.Errorf("loop: %s of plugin %s: %w", e.Name, h.plugin, err)
			}
			ends <- err
		}()
	}
	var errs []error
	for range handlers {
		errs = append(errs, <-ends)
	}
	return errors.Join(errs...)
}

// tell emits an event of a turn. What its handlers make of it does not change the turn.
func (r *Runtime) tell(ctx context.Context, name string, data map[string]any) {
	if len(r.set.events[name]) == 0 {
		return
	}
	if err := r.Emit(ctx, core.Event{Name: name, Source: "agent", Data: data}); err != nil {
		r.log.Warn("an event was not handled well", "event", name, "err", err)
	}
}
