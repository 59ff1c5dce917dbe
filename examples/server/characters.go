package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	remoteLimit = 4 << 20 // bytes of a remote document
	remoteTime  = 30 * time.Second
)

// loadCharacters makes the agents the operator asks for, by files (USE_CHARACTER_STORAGE) and by addresses
// (REMOTE_CHARACTER_URLS), and starts those that are new. What cannot be used is logged and left out.
func loadCharacters(ctx context.Context, srv *eliza.Server, log *slog.Logger, getenv func(string) string) {
	for from, read := range sources(ctx, getenv) {
		doc, err := read()
		if err == nil {
			err = addAgents(ctx, srv.Agents(), doc)
		}
		if err != nil {
			log.Error("characters not loaded", "from", from, "err", err)
		}
	}
}

// sources are the documents to read, by name.
func sources(ctx context.Context, getenv func(string) string) map[string]func() ([]byte, error) {
	found := map[string]func() ([]byte, error){}
	if getenv("USE_CHARACTER_STORAGE") == "true" {
		dir := charactersDir(getenv)
		files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		for _, file := range files {
			found[file] = func() ([]byte, error) { return os.ReadFile(file) }
		}
	}
	for _, url := range strings.Split(getenv("REMOTE_CHARACTER_URLS"), ",") {
		if url = strings.TrimSpace(url); strings.HasPrefix(url, "http") {
			found[url] = func() ([]byte, error) { return fetch(ctx, url) }
		}
	}
	return found
}

func charactersDir(getenv func(string) string) string {
	if dir := getenv("ELIZA_DATA_DIR_CHARACTERS"); dir != "" {
		return dir
	}
	data := getenv("ELIZA_DATA_DIR")
	if data == "" {
		data = ".eliza"
	}
	return filepath.Join(data, "data", "characters")
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, remoteLimit))
}

// addAgents makes the agents of one character or a list of them.
func addAgents(ctx context.Context, svc agents.Service, doc []byte) error {
	list := []json.RawMessage{doc}
	if strings.HasPrefix(strings.TrimSpace(string(doc)), "[") {
		if err := json.Unmarshal(doc, &list); err != nil {
			return err
		}
	}
	for _, raw := range list {
		c, err := agents.ParseCharacter(raw)
		if err != nil {
			return err
		}
		a, existed, err := svc.Create(ctx, c)
		if err == nil && !existed {
			err = svc.Start(ctx, a.Character.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// overlay gives new agents the secrets that variables CHARACTER.<NAME>.<KEY> and CHARACTER.<ID>.<KEY> hold
// for them.
type overlay struct {
	agents.Service
	secrets map[string]map[string]string // by name or id, then by key
}

func newOverlay(environ []string) overlay {
	o := overlay{secrets: map[string]map[string]string{}}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		rest, ok := strings.CutPrefix(name, "CHARACTER.")
		who, key, named := strings.Cut(rest, ".")
		if !ok || !named || value == "" {
			continue
		}
		who = envName(who)
		if o.secrets[who] == nil {
			o.secrets[who] = map[string]string{}
		}
		o.secrets[who][key] = value
	}
	return o
}

// wrap is the option's function.
func (o overlay) wrap(svc agents.Service) agents.Service {
	o.Service = svc
	return o
}

// Create adds the secrets to a copy of the character.
func (o overlay) Create(ctx context.Context, c *core.Character) (*agents.Agent, bool, error) {
	c = c.Clone()
	for _, who := range []string{envName(c.Name), envName(string(c.ID))} {
		for key, value := range o.secrets[who] {
			if c.Secrets == nil {
				c.Secrets = map[string]any{}
			}
			c.Secrets[key] = value
		}
	}
	return o.Service.Create(ctx, c)
}

// envName is a name as variables spell it.
func envName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, s)
}
