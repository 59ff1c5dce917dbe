package storage

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// recorder keeps the statements GORM runs, with their values in place.
type recorder struct {
	logger.Interface
	mu         sync.Mutex
	statements []string
}

func (r *recorder) Trace(_ context.Context, _ time.Time, fc func() (string, int64), _ error) {
	s, _ := fc()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, s)
}

// plansOf runs fn and returns how SQLite would run each of its statements.
func plansOf(t *testing.T, db *DB, rec *recorder, fn func() error) map[string][]string {
	t.Helper()
	rec.statements = nil
	if err := fn(); err != nil {
		t.Fatal(err)
	}
	plans := map[string][]string{}
	for _, s := range slices.Clone(rec.statements) {
		if strings.HasPrefix(s, "INSERT") {
			continue
		}
		err := db.writer.do(t.Context(), func(tx *gorm.DB) error {
			var rows []struct{ Detail string }
			err := tx.Raw("EXPLAIN QUERY PLAN " + strings.ReplaceAll(s, "?", "''")).Scan(&rows).Error
			for _, r := range rows {
				plans[s] = append(plans[s], r.Detail)
			}
			return err
		}, false)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return plans
}

// What is asked for often must find its rows by an index, in the order that is wanted, however much is stored.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	rec := &recorder{Interface: logger.Discard}
	db.readers.Logger, db.writer.db.Logger = rec, rec
	ctx, s, now := t.Context(), db.Messaging(), core.Now()
	a := &agents.Agent{Character: &core.Character{ID: core.NewUUID(), Name: "Ada"}, Active: true, Version: 1, CreatedAt: now, UpdatedAt: now}
	channel, author := core.NewUUID(), core.NewUUID()
	steps := []error{
		s.EnsureServer(ctx, messaging.Server{ID: core.DefaultServerID, Name: "d", SourceType: "t"}), db.Agents().Insert(ctx, a),
	}
	_, err := s.CreateChannel(ctx, messaging.NewChannel{ID: channel, ServerID: core.DefaultServerID, Type: messaging.TypeGroup, Participants: []core.UUID{a.Character.ID}})
	for _, err := range append(steps, err) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var accepted *messaging.Accepted
	send := func() (err error) {
		accepted, err = s.Accept(ctx, messaging.NewMessage{ChannelID: channel, AuthorID: author, ClientID: "c", Content: "hello"}, 10)
		return err
	}
	page := func(p messaging.Page) func() error {
		p.ChannelID, p.Limit = channel, 50
		return func() error {
			_, _, err := s.Messages(ctx, p)
			return err
		}
	}
	var held []messaging.Delivery
	claim := func() (err error) {
		held, err = s.Claim(ctx, "p", time.Minute, nil, 10)
		return err
	}
	// The unfinished deliveries, and those of one message, are few: they may be sorted.
	sorted := []string{"due", "claim", "claim again", "reap", "end agent"}
	session := messaging.Session{ID: core.NewUUID(), ChannelID: core.NewUUID(), ExpiresAt: core.ISO(now) + 60_000}
	job := messaging.Job{ID: core.NewUUID(), ChannelID: core.NewUUID(), MessageID: core.NewUUID(), ExpiresAt: now + 60_000}
	own := func(id core.UUID) messaging.NewChannel {
		return messaging.NewChannel{ID: id, ServerID: core.DefaultServerID, Type: messaging.TypeDM}
	}
	for _, step := range []struct {
		name string
		run  func() error
		want string // in one of the plans
	}{
		{"create session", func() error { return s.CreateSession(ctx, session, own(session.ChannelID)) }, ""},
		{"session", func() error { _, err := s.Session(ctx, session.ID); return err }, "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (id=?)"},
		{"sessions", func() error { _, _, err := s.Sessions(ctx, now, 10); return err }, "SCAN sessions USING INDEX sessions_created"},
		{"count sessions", func() error { _, _, err := s.Sessions(ctx, now, 10); return err }, "SCAN sessions USING COVERING INDEX sessions_expires"},
		{"change session", func() error {
			_, err := s.ChangeSession(ctx, session.ID, func(*messaging.Session) error { return nil })
			return err
		}, ""},
		{"sweep sessions", func() error { return s.SweepSessions(ctx, now) }, "sessions_expires (expires_at<?)"},
		{"create job", func() error {
			return s.CreateJob(ctx, job, own(job.ChannelID), 10, func(context.Context) error { return nil })
		}, "SCAN jobs USING COVERING INDEX jobs_expires"},
		{"job", func() error { _, err := s.Job(ctx, job.ID, now); return err }, "SEARCH j USING INDEX sqlite_autoindex_jobs_1 (id=?)"},
		{"jobs", func() error { _, _, _, err := s.Jobs(ctx, "", now, 10); return err }, "SCAN j USING INDEX jobs_created"},
		{"sweep jobs", func() error { return s.SweepJobs(ctx, now) }, "jobs_expires (expires_at<?)"},
		{"accept", send, "deliveries_lane"},
		{"accept again", send, "central_messages_dedup"},
		{"newest", page(messaging.Page{AfterSeq: -1}), "SEARCH m USING INDEX central_messages_seq (channel_id=?)"},
		{"after seq", page(messaging.Page{AfterSeq: 5}), "SEARCH m USING INDEX central_messages_seq (channel_id=? AND seq>?)"},
		{"before", page(messaging.Page{AfterSeq: -1, Before: now}), "SEARCH m USING INDEX central_messages_time (channel_id=? AND created_at<?)"},
		{"after", page(messaging.Page{AfterSeq: -1, After: now}), "SEARCH m USING INDEX central_messages_time (channel_id=? AND created_at>?)"},
		{"due", func() error { _, err := s.Due(ctx, 2, 10); return err }, "SCAN d USING INDEX deliveries_lane"},
		{"claim", claim, "SCAN d USING INDEX deliveries_lane"},
		{"void leases", func() error { return s.VoidLeases(ctx) }, "deliveries_lane"},
		{"reap", func() error { _, err := s.Reap(ctx, time.Hour, 3); return err }, "SCAN deliveries USING INDEX deliveries_lane"},
		{"claim again", claim, "SEARCH deliveries USING INDEX deliveries_lane (agent_id=? AND channel_id=?)"},
		{"finish", func() error {
			_, err := s.Finish(ctx, &held[0], messaging.Ending{State: messaging.StateDone, Reply: &messaging.NewMessage{ID: core.NewUUID(), AuthorID: a.Character.ID}})
			return err
		}, "SEARCH deliveries USING INDEX deliveries_message (message_id=?)"},
		{"edit", func() error {
			_, err := s.EditMessage(ctx, accepted.Message.ID, messaging.Edit{})
			return err
		}, ""},
		{"events", func() error { _, err := s.Events(ctx, channel, 0, 100); return err }, "central_messages_complete (channel_id=? AND complete_seq>? AND complete_seq<?)"},
		{"channels", func() error { _, err := s.Channels(ctx, core.DefaultServerID, 10, 0); return err }, "channels_server"},
		{"sweep", func() error { return s.Sweep(ctx, time.Hour, time.Hour) }, "deliveries_ended (ended_at>? AND ended_at<?)"},
		{"end agent", func() error { _, err := s.EndAgent(ctx, a.Character.ID, nil); return err }, "deliveries_lane (agent_id=?)"},
		{"agents", func() error { _, err := db.Agents().List(ctx, 10, 0); return err }, "SCAN agents USING INDEX agents_list"},
		{"active", func() error { _, err := db.Agents().Active(ctx, 10); return err }, "SCAN agents USING INDEX agents_started"},
		{"delete", func() error { _, err := s.DeleteMessage(ctx, channel, accepted.Message.ID); return err }, ""},
	} {
		found := step.want == ""
		for query, plan := range plansOf(t, db, rec, step.run) {
			for _, line := range plan {
				found = found || strings.Contains(line, step.want)
				if whole(line) || strings.Contains(line, "TEMP B-TREE FOR ORDER BY") && !slices.Contains(sorted, step.name) {
					t.Errorf("%s: %s: %s", step.name, query, line)
				}
			}
		}
		if !found {
			t.Errorf("%s: no plan has %q", step.name, step.want)
		}
	}
}

// whole tells whether a line of a plan reads a whole table. An index may be: that of the unfinished
// deliveries has no others. So may what another query has picked.
func whole(line string) bool {
	picked := []string{"SCAN CONSTANT ROW", "SCAN page", "SCAN due"}
	return strings.HasPrefix(line, "SCAN ") && !strings.Contains(line, "INDEX") && !strings.HasPrefix(line, "SCAN (") && !slices.Contains(picked, line) ||
		strings.Contains(line, "AUTOMATIC")
}
