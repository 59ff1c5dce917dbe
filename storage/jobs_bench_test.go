package storage

import (
	"context"
	"testing"
	"time"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// BenchmarkJobs reads as many jobs as there may be.
func BenchmarkJobs(b *testing.B) {
	db, err := Open(b.Context(), b.TempDir()+"/eliza.db", Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ctx, s, now, agent := b.Context(), db.Messaging(), core.Now(), core.NewUUID()
	if err := s.EnsureServer(ctx, messaging.Server{ID: core.DefaultServerID, Name: "d", SourceType: "t"}); err != nil {
		b.Fatal(err)
	}
	if err := db.Agents().Insert(ctx, &agents.Agent{Character: &core.Character{ID: agent, Name: "Ada"}, Active: true, Version: 1}); err != nil {
		b.Fatal(err)
	}
	create := func() {
		j := messaging.Job{ID: core.NewUUID(), ChannelID: core.NewUUID(), MessageID: core.NewUUID(), AgentID: agent, UserID: core.NewUUID(), CreatedAt: now, ExpiresAt: now + 30_000}
		c := messaging.NewChannel{ID: j.ChannelID, ServerID: core.DefaultServerID, Name: "job", Type: messaging.TypeDM, Participants: []core.UUID{agent}}
		if err := s.CreateJob(ctx, j, c, 10_000, func(ctx context.Context) error {
			_, err := s.Accept(ctx, messaging.NewMessage{ID: j.MessageID, ChannelID: j.ChannelID, AuthorID: j.UserID, Content: "question"}, 0)
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	for range 10_000 {
		create()
	}
	for {
		held, err := s.Claim(ctx, "b", time.Minute, nil, 100)
		if err != nil {
			b.Fatal(err)
		}
		if len(held) == 0 {
			break
		}
		for i := range held {
			reply := messaging.NewMessage{ID: core.NewUUID(), ChannelID: held[i].ChannelID, AuthorID: agent, Content: "answer", InReplyTo: held[i].MessageID}
			if _, err := s.Finish(ctx, &held[i], messaging.Ending{State: messaging.StateDone, Reply: &reply}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, bench := range []struct {
		name string
		run  func() error
	}{
		{"list", func() error { _, _, _, err := s.Jobs(ctx, "", core.Now(), 50); return err }},
		{"filter", func() error { _, _, _, err := s.Jobs(ctx, messaging.JobFailed, core.Now(), 50); return err }},
		{"count", func() error { _, err := s.JobCounts(ctx, core.Now()); return err }},
		{"create", func() error { create(); return nil }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
