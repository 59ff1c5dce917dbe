package storagetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var errChanged = errors.New("changed my mind")

// session stores a session that began at a time and lasts so long.
func (f *fixture) session(t tb, at core.Millis, lasts time.Duration) messaging.Session {
	t.Helper()
	begin := core.ISO(at)
	s := messaging.Session{
		ID: core.NewUUID(), ChannelID: core.NewUUID(), AgentID: core.NewUUID(), UserID: core.NewUUID(), Metadata: map[string]any{"k": "v"},
		CreatedAt: begin, RenewedAt: begin, LastActivity: begin, ExpiresAt: begin + core.ISO(lasts.Milliseconds()),
		Timeouts: messaging.SessionTimeouts{Timeout: 30, AutoRenew: true, MaxDuration: 720, Warning: 5},
	}
	must(t, f.m.CreateSession(t.Context(), s, messaging.NewChannel{ID: s.ChannelID, ServerID: core.DefaultServerID, Name: "s", Type: messaging.TypeDM}))
	return s
}

// job stores a job of an agent with its question.
func (f *fixture) job(t tb, agent core.UUID, at core.Millis, lasts time.Duration) messaging.Job {
	t.Helper()
	j := messaging.Job{
		ID: core.NewUUID(), ChannelID: core.NewUUID(), MessageID: core.NewUUID(), AgentID: agent, UserID: core.NewUUID(), Prompt: "why?",
		Metadata: map[string]any{"k": "v"}, CreatedAt: at, ExpiresAt: at + core.Millis(lasts.Milliseconds()), Status: messaging.JobProcessing,
	}
	must(t, f.createJob(t, j, 100))
	return j
}

func (f *fixture) createJob(t tb, j messaging.Job, most int) error {
	c := messaging.NewChannel{ID: j.ChannelID, ServerID: core.DefaultServerID, Name: "job", Type: messaging.TypeDM, Participants: []core.UUID{j.UserID, j.AgentID}}
	return f.m.CreateJob(t.Context(), j, c, most, func(ctx context.Context) error {
		_, err := f.m.Accept(ctx, messaging.NewMessage{ID: j.MessageID, ChannelID: j.ChannelID, AuthorID: j.UserID, Content: j.Prompt, SourceType: "test"}, 0)
		return err
	})
}

func (f *fixture) wantJob(t tb, id core.UUID, now core.Millis, status, state, reply string) *messaging.Job {
	t.Helper()
	j := get[*messaging.Job](t)(f.m.Job(t.Context(), id, now))
	said := ""
	if j.Reply != nil {
		said = j.Reply.Content
	}
	if j.Status != status || j.State != state || said != reply {
		t.Errorf("job is %s %q with reply %q, want %s %q with %q", j.Status, j.State, said, status, state, reply)
	}
	if ended := status == messaging.JobCompleted || status == messaging.JobFailed && state != ""; (j.EndedAt > 0) != ended {
		t.Errorf("%s job ended at %d", status, j.EndedAt)
	}
	return j
}

var sessionTests = []subtest{
	{"Create, read and change", func(t *testing.T, f *fixture) {
		s := f.session(t, core.Now(), time.Hour)
		if diff := differ(&s, get[*messaging.Session](t)(f.m.Session(t.Context(), s.ID))); diff != "" {
			t.Errorf("stored session differs (-want +got):\n%s", diff)
		}
		get[*messaging.Channel](t)(f.m.Channel(t.Context(), s.ChannelID))
		changed := get[*messaging.Session](t)(f.m.ChangeSession(t.Context(), s.ID, func(s *messaging.Session) error {
			s.Renewals, s.RenewedAt, s.LastActivity, s.ExpiresAt = 2, s.RenewedAt+1, s.LastActivity+2, s.ExpiresAt+3
			s.Timeouts = messaging.SessionTimeouts{Timeout: 6, MaxDuration: 70, Warning: 8}
			return nil
		}))
		if diff := differ(changed, get[*messaging.Session](t)(f.m.Session(t.Context(), s.ID))); diff != "" || changed.Renewals != 2 {
			t.Errorf("changed session differs (-want +got):\n%s", diff)
		}
	}},
	{"A change that fails changes nothing", func(t *testing.T, f *fixture) {
		s := f.session(t, core.Now(), time.Hour)
		_, err := f.m.ChangeSession(t.Context(), s.ID, func(s *messaging.Session) error {
			s.Renewals = 9
			return errChanged
		})
		wantErr(t, err, errChanged)
		if got := get[*messaging.Session](t)(f.m.Session(t.Context(), s.ID)); got.Renewals != 0 {
			t.Errorf("%d renewals were stored", got.Renewals)
		}
	}},
	{"What is not there", func(t *testing.T, f *fixture) {
		id := core.NewUUID()
		_, err := f.m.Session(t.Context(), id)
		wantErr(t, err, messaging.ErrSessionNotFound)
		_, err = f.m.ChangeSession(t.Context(), id, func(*messaging.Session) error { return nil })
		wantErr(t, err, messaging.ErrSessionNotFound)
		wantErr(t, f.m.DeleteSession(t.Context(), id), messaging.ErrSessionNotFound)
	}},
	{"List, count and sweep", func(t *testing.T, f *fixture) {
		now := core.Now()
		old := f.session(t, now-7_200_000, time.Hour)
		long := f.session(t, now-3_600_000, 3*time.Hour)
		near := f.session(t, now, 2*time.Minute)
		list, stats, err := f.m.Sessions(t.Context(), now, 10)
		must(t, err)
		if stats != (messaging.SessionStats{Total: 3, Active: 2, Expired: 1, Expiring: 1}) {
			t.Errorf("stats = %+v", stats)
		}
		if len(list) != 2 || list[0].ID != near.ID || list[1].ID != long.ID {
			t.Errorf("sessions = %+v", list)
		}
		list, stats, err = f.m.Sessions(t.Context(), now, 1)
		must(t, err)
		if len(list) != 1 || stats.Active != 2 {
			t.Errorf("page of one has %d, of %d active", len(list), stats.Active)
		}
		must(t, f.m.SweepSessions(t.Context(), now))
		_, err = f.m.Session(t.Context(), old.ID)
		wantErr(t, err, messaging.ErrSessionNotFound)
		get[*messaging.Session](t)(f.m.Session(t.Context(), near.ID))
		get[*messaging.Channel](t)(f.m.Channel(t.Context(), old.ChannelID))
	}},
	{"Delete keeps the channel, which takes the session along", func(t *testing.T, f *fixture) {
		s := f.session(t, core.Now(), time.Hour)
		must(t, f.m.DeleteSession(t.Context(), s.ID))
		get[*messaging.Channel](t)(f.m.Channel(t.Context(), s.ChannelID))
		s = f.session(t, core.Now(), time.Hour)
		must(t, f.m.DeleteChannel(t.Context(), s.ChannelID))
		_, err := f.m.Session(t.Context(), s.ID)
		wantErr(t, err, messaging.ErrSessionNotFound)
	}},
}

var jobTests = []subtest{
	{"Create and read", func(t *testing.T, f *fixture) {
		now := core.Now()
		j := f.job(t, f.agent(t), now, time.Minute)
		if diff := differ(&j, f.wantJob(t, j.ID, now, messaging.JobProcessing, "", "")); diff != "" {
			t.Errorf("stored job differs (-want +got):\n%s", diff)
		}
		f.wantJob(t, j.ID, j.ExpiresAt, messaging.JobTimeout, "", "")
		_, err := f.m.Job(t.Context(), core.NewUUID(), now)
		wantErr(t, err, messaging.ErrJobNotFound)
	}},
	{"It ends as its question does", func(t *testing.T, f *fixture) {
		for _, end := range []struct{ state, reply, status, told string }{
			{messaging.StateDone, "because", messaging.JobCompleted, ""},
			{messaging.StateIgnored, "", messaging.JobCompleted, ""},
			{messaging.StateFailed, "", messaging.JobFailed, messaging.StateFailed},
			{messaging.StateTimeout, "", messaging.JobFailed, messaging.StateTimeout},
			{messaging.StateCancelled, "", messaging.JobFailed, messaging.StateCancelled},
		} {
			j := f.job(t, f.agent(t), core.Now(), time.Minute)
			d := f.claimOne(t)
			get[*messaging.Message](t)(f.m.Reply(t.Context(), d, *reply(d, ""))) // without text
			d.Replies = append(d.Replies, d.ReplyID())
			f.wantJob(t, j.ID, core.Now(), messaging.JobProcessing, "", "")
			e := messaging.Ending{State: end.state}
			if end.reply != "" {
				e.Reply = reply(d, end.reply)
			}
			get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, e))
			f.wantJob(t, j.ID, core.Now(), end.status, end.told, end.reply)
			f.wantJob(t, j.ID, j.ExpiresAt+1, end.status, end.told, end.reply) // for good
		}
	}},
	{"An end after it has expired does not count", func(t *testing.T, f *fixture) {
		j := f.job(t, f.agent(t), core.Now()-120_000, time.Minute)
		d := f.claimOne(t)
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		f.wantJob(t, j.ID, core.Now(), messaging.JobTimeout, "", "")
	}},
	{"Nobody to ask", func(t *testing.T, f *fixture) {
		j := f.job(t, core.NewUUID(), core.Now(), time.Minute)
		if got := get[*messaging.Job](t)(f.m.Job(t.Context(), j.ID, core.Now())); got.Status != messaging.JobFailed || got.State != "" {
			t.Errorf("job = %+v", got)
		}
	}},
	{"A deleted question", func(t *testing.T, f *fixture) {
		j := f.job(t, f.agent(t), core.Now(), time.Minute)
		get[*messaging.Ended](t)(f.m.DeleteMessage(t.Context(), j.ChannelID, j.MessageID))
		if got := f.wantJob(t, j.ID, core.Now(), messaging.JobFailed, "", ""); got.Prompt != "" {
			t.Errorf("prompt = %q of a deleted question", got.Prompt)
		}
		must(t, f.m.DeleteChannel(t.Context(), j.ChannelID))
		_, err := f.m.Job(t.Context(), j.ID, core.Now())
		wantErr(t, err, messaging.ErrJobNotFound)
	}},
	{"A question that is refused leaves nothing", func(t *testing.T, f *fixture) {
		j := messaging.Job{ID: core.NewUUID(), ChannelID: core.NewUUID(), MessageID: core.NewUUID(), ExpiresAt: core.Now()}
		c := messaging.NewChannel{ID: j.ChannelID, ServerID: core.DefaultServerID, Type: messaging.TypeDM}
		wantErr(t, f.m.CreateJob(t.Context(), j, c, 10, func(context.Context) error { return errChanged }), errChanged)
		_, err := f.m.Job(t.Context(), j.ID, 0)
		wantErr(t, err, messaging.ErrJobNotFound)
		_, err = f.m.Channel(t.Context(), j.ChannelID)
		wantErr(t, err, messaging.ErrChannelNotFound)
	}},
	{"List, count and sweep", func(t *testing.T, f *fixture) {
		now, agent := core.Now(), f.agent(t)
		over := f.job(t, agent, now-120_000, time.Minute)
		open := f.job(t, agent, now-1000, time.Minute)
		silent := f.job(t, core.NewUUID(), now, time.Minute)
		page, matching, total, err := f.m.Jobs(t.Context(), "", now, 2)
		must(t, err)
		if len(page) != 2 || page[0].ID != silent.ID || page[1].ID != open.ID || matching != 3 || total != 3 {
			t.Errorf("jobs = %+v, %d of %d", page, matching, total)
		}
		page, matching, total, err = f.m.Jobs(t.Context(), messaging.JobTimeout, now, 10)
		must(t, err)
		if len(page) != 1 || page[0].ID != over.ID || matching != 1 || total != 3 {
			t.Errorf("jobs out of time = %+v, %d of %d", page, matching, total)
		}
		counts := get[[]messaging.JobCount](t)(f.m.JobCounts(t.Context(), now))
		var got []string
		for _, c := range counts {
			if got = append(got, c.Status); c.Count != 1 {
				t.Errorf("%d jobs are %s, want 1", c.Count, c.Status)
			}
		}
		slices.Sort(got)
		if want := []string{messaging.JobFailed, messaging.JobProcessing, messaging.JobTimeout}; !slices.Equal(got, want) {
			t.Errorf("statuses = %v, want %v", got, want)
		}
		must(t, f.m.SweepJobs(t.Context(), now))
		_, err = f.m.Job(t.Context(), over.ID, now)
		wantErr(t, err, messaging.ErrJobNotFound)
		get[*messaging.Job](t)(f.m.Job(t.Context(), open.ID, now))
	}},
	{"The oldest make room", func(t *testing.T, f *fixture) {
		now, agent := core.Now(), f.agent(t)
		first, second := f.job(t, agent, now-2, time.Minute), f.job(t, agent, now-1, time.Minute)
		j := messaging.Job{ID: core.NewUUID(), ChannelID: core.NewUUID(), MessageID: core.NewUUID(), AgentID: agent, UserID: core.NewUUID(), Prompt: "?", CreatedAt: now, ExpiresAt: now + 60_000}
		must(t, f.createJob(t, j, 2))
		_, err := f.m.Job(t.Context(), first.ID, now)
		wantErr(t, err, messaging.ErrJobNotFound)
		get[*messaging.Job](t)(f.m.Job(t.Context(), second.ID, now))
		get[*messaging.Job](t)(f.m.Job(t.Context(), j.ID, now))
	}},
}
