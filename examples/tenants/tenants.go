package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// person is a user of one tenant.
type person struct{ Tenant, Name string }

// people are the host's users by their tokens: a table of hashes in a real host.
type people map[string]person

func newPeople() people {
	return people{"ada-at-acme": {"acme", "ada"}, "bob-at-acme": {"acme", "bob"}, "ada-at-globex": {"globex", "ada"}}
}

// of tells one tenant's server who its callers are. A socket's key comes in the same header.
func (p people) of(tenant string) func(*http.Request) (eliza.Identity, error) {
	return func(r *http.Request) (eliza.Identity, error) {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		who, known := p[cmp.Or(r.Header.Get("X-API-KEY"), bearer)]
		switch {
		case !known:
			return eliza.Identity{}, &eliza.Error{Code: core.CodeUnauthorized, Message: "Who are you?"}
		case who.Tenant != tenant:
			return eliza.Identity{}, &eliza.Error{Code: core.CodeForbidden, Message: "You are not at home here"}
		}
		// With an entity id the caller can write as nobody else. It is derived, so it stays the same for good.
		return eliza.Identity{EntityID: core.StringToUUID(who.Tenant + "/" + who.Name), Name: who.Name}, nil
	}
}

// tenants are the servers by name.
type tenants map[string]*eliza.Server

// open makes a tenant's server and starts it. Nothing is shared with another's: the same agent is two. Inside a tenant its
// people share agents and channels; an uploaded file is read by whoever has its address, which nobody can guess.
func open(ctx context.Context, tenant, data string, p people) (*eliza.Server, error) {
	home := filepath.Join(data, tenant)
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(home, "eliza.db")), eliza.WithFiles(media.DataDirs(home)),
		eliza.WithPublicPath("/t/"+tenant), eliza.WithAuthenticator(p.of(tenant)),
	)
	if err != nil {
		return nil, err
	}
	if err := start(ctx, srv); err != nil {
		return nil, errors.Join(err, srv.Shutdown(context.WithoutCancel(ctx)))
	}
	return srv, nil
}

func start(ctx context.Context, srv *eliza.Server) error {
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	desk, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Desk", Bio: core.Bio{Lines: []string{"Helps the people of one company."}}})
	if err != nil {
		return err
	}
	return srv.Agents().Start(ctx, desk.Character.ID)
}

// shutdown ends all servers at once, so that none waits for another's turns.
func (t tenants) shutdown(ctx context.Context) error {
	ends := make(chan error, len(t))
	var wg sync.WaitGroup
	for _, srv := range t {
		wg.Go(func() { ends <- srv.Shutdown(ctx) })
	}
	wg.Wait()
	close(ends)
	var errs []error
	for err := range ends {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
