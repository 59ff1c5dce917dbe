package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/pieces"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/storage"
)

// hosted is what the host brings instead of the server's own.
type hosted struct {
	opts  []eliza.Option
	made  func(*eliza.Server)
	close func() error
}

// replacements makes each piece. It is given the host's own database.
var replacements = map[string]func(h *hosted, db *storage.DB, log *slog.Logger) error{
	"agents": func(h *hosted, _ *storage.DB, log *slog.Logger) error {
		m, err := agents.New(pieces.NewRoster(), pieces.NewBrain, nil, agents.Options{Logger: log})
		h.opts = append(h.opts, eliza.WithAgents(m))
		return err
	},
	"audio": func(h *hosted, _ *storage.DB, _ *slog.Logger) error {
		voice := &pieces.Voice{}
		h.opts = append(h.opts, eliza.WithAudio(voice))
		h.made = func(srv *eliza.Server) { voice.Agents = srv.Agents() }
		return nil
	},
	"blobs": func(h *hosted, _ *storage.DB, _ *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithBlobs(pieces.NewBlobs()))
		return nil
	},
	"bus": func(h *hosted, _ *storage.DB, _ *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithBus(&pieces.Bus{}))
		return nil
	},
	"database": func(h *hosted, _ *storage.DB, _ *slog.Logger) error {
		db, err := gorm.Open(sqlite.Open("file:host/own.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"), &gorm.Config{})
		if err != nil {
			return err
		}
		h.opts = append(h.opts, eliza.WithGorm(db, "ai_"))
		pool, err := db.DB()
		if err == nil {
			h.close = pool.Close
		}
		return err
	},
	"media": func(h *hosted, _ *storage.DB, _ *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithMedia(media.New(pieces.NewBlobs(), media.Options{PublicPath: prefix})))
		return nil
	},
	"memory": func(h *hosted, db *storage.DB, log *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithMemory(&pieces.Mind{Manager: memory.New(db.Memory(), memory.Options{Logger: log})}))
		return nil
	},
	"messaging": func(h *hosted, db *storage.DB, log *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithStore(db), eliza.WithMessaging(&pieces.Switchboard{Manager: messaging.New(db.Messaging(), messaging.Options{Logger: log})}))
		return nil
	},
	"runtime": func(h *hosted, _ *storage.DB, _ *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithRuntimeFactory(pieces.NewBrain))
		return nil
	},
	"store": func(h *hosted, db *storage.DB, _ *slog.Logger) error {
		h.opts = append(h.opts, eliza.WithStore(&pieces.Store{Store: db}))
		return nil
	},
}

func names() string { return strings.Join(slices.Sorted(maps.Keys(replacements)), ", ") }

// replaced makes what the host brings for a piece, nothing for none.
func replaced(ctx context.Context, piece string, log *slog.Logger) (*hosted, error) {
	h := &hosted{made: func(*eliza.Server) {}, close: func() error { return nil }}
	if piece == "" {
		return h, nil
	}
	replace, ok := replacements[piece]
	if !ok {
		return nil, fmt.Errorf("-replace %s: none of %s", piece, names())
	}
	db, err := storage.Open(ctx, "host/host.db", storage.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	err = replace(h, db, log)
	own := h.close
	h.close = func() error { return errors.Join(own(), db.Close()) }
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}
