package storagetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

var agentTests = []subtest{
	{"Insert and read", func(t *testing.T, f *fixture) {
		a := newAgent("Ada", false)
		a.Character.Bio = core.Bio{Lines: []string{"First line", "second"}}
		a.Character.System = "be kind: ünïcode <&>"
		must(t, f.a.Insert(t.Context(), a))
		got := get[*agents.Agent](t)(f.a.Agent(t.Context(), a.Character.ID))
		if diff := differ(a, got); diff != "" {
			t.Errorf("stored agent differs (-want +got):\n%s", diff)
		}
		_, err := f.a.Agent(t.Context(), core.NewUUID())
		wantErr(t, err, agents.ErrNotFound)
	}},
	{"An id that is taken is a conflict", func(t *testing.T, f *fixture) {
		a := newAgent("Ada", false)
		must(t, f.a.Insert(t.Context(), a))
		wantCode(t, f.a.Insert(t.Context(), a), core.CodeConflict)
	}},
	{"Update raises the version and refuses another", func(t *testing.T, f *fixture) {
		a := newAgent("Ada", false)
		must(t, f.a.Insert(t.Context(), a))
		next := *a
		next.Active = true
		c := *a.Character
		c.Name = "Grace"
		next.Character = &c
		up := get[*agents.Agent](t)(f.a.Update(t.Context(), &next))
		if up.Version != 2 || !up.Active || up.Character.Name != "Grace" || up.UpdatedAt <= a.UpdatedAt {
			t.Errorf("updated agent = %+v", up)
		}
		got := get[*agents.Agent](t)(f.a.Agent(t.Context(), c.ID))
		if diff := differ(up, got); diff != "" {
			t.Errorf("stored agent differs (-returned +stored):\n%s", diff)
		}
		_, err := f.a.Update(t.Context(), a)
		wantCode(t, err, core.CodeConflict)
	}},
	{"Of concurrent updates one wins", func(t *testing.T, f *fixture) {
		a := newAgent("Ada", false)
		must(t, f.a.Insert(t.Context(), a))
		var wg sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			wg.Go(func() { _, errs[i] = f.a.Update(t.Context(), a) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				wantCode(t, err, core.CodeConflict)
			}
		}
		if won != 1 {
			t.Errorf("%d updates of one version won, want 1", won)
		}
	}},
	{"List has active agents first, then by name", func(t *testing.T, f *fixture) {
		for _, a := range []*agents.Agent{newAgent("bob", false), newAgent("Al", false), newAgent("zed", true), newAgent("Carl", true)} {
			must(t, f.a.Insert(t.Context(), a))
		}
		list := get[[]agents.Summary](t)(f.a.List(t.Context(), 10, 0))
		var names []string
		for _, s := range list {
			names = append(names, s.Name+":"+s.Status)
		}
		want := []string{"Carl:active", "zed:active", "Al:inactive", "bob:inactive"}
		if !slices.Equal(names, want) {
			t.Errorf("list = %v, want %v", names, want)
		}
		page := get[[]agents.Summary](t)(f.a.List(t.Context(), 2, 1))
		if !slices.Equal(page, list[1:3]) {
			t.Errorf("second page = %v, want %v", page, list[1:3])
		}
	}},
	{"Active lists in the order of starting", func(t *testing.T, f *fixture) {
		var ids []core.UUID
		for i := range 3 {
			a := newAgent("agent", false)
			must(t, f.a.Insert(t.Context(), a))
			a.Active, a.UpdatedAt = true, core.Now()+core.Millis(1000*i) // later than the one before
			get[*agents.Agent](t)(f.a.Update(t.Context(), a))
			ids = append(ids, a.Character.ID)
		}
		if got := get[[]core.UUID](t)(f.a.Active(t.Context(), 10)); !slices.Equal(got, ids) {
			t.Errorf("active = %v, want %v", got, ids)
		}
		if got := get[[]core.UUID](t)(f.a.Active(t.Context(), 2)); !slices.Equal(got, ids[:2]) {
			t.Errorf("active, limited = %v, want %v", got, ids[:2])
		}
		a := get[*agents.Agent](t)(f.a.Agent(t.Context(), ids[0]))
		a.Active = false
		get[*agents.Agent](t)(f.a.Update(t.Context(), a))
		if n := get[int](t)(f.a.CountActive(t.Context())); n != 2 {
			t.Errorf("CountActive = %d, want 2", n)
		}
	}},
	{"Delete", func(t *testing.T, f *fixture) {
		id := f.agent(t)
		must(t, f.a.Delete(t.Context(), id))
		_, err := f.a.Agent(t.Context(), id)
		wantErr(t, err, agents.ErrNotFound)
		must(t, f.a.Delete(t.Context(), id))
	}},
}
