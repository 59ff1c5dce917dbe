package messaging

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	interrupted = "interrupted"
	unstorable  = 8 // times an answer may fail to be stored before its turn ends without it
)

// attempt is what came of asking a brain.
type attempt struct {
	built   bool // there was one
	outcome core.Outcome
	err     error
}

// turn answers one delivery. It ends the delivery on every way out, exactly once. A brain that does not heed
// the end of its context is left behind: left is closed when it returns after all, and nil otherwise.
func (m *Manager) turn(ctx context.Context, d *Delivery) (left <-chan struct{}) {
	log := m.log.With("agent_id", d.AgentID, "channel_id", d.ChannelID, "message_id", d.MessageID, "attempt", d.Attempt)
	out := newOut(m, d)
	if cause := context.Cause(ctx); cause != nil {
		m.conclude(ctx, log, d, out, attempt{err: cause})
		return nil
	}
	m.seqs.reach(d.ChannelID, d.Seq) // who accepted the message may not have told yet
	if d.First && controls(m.opts.InputControl, IsDM(d.Channel.Type)) {
		m.seqs.live(Event{Kind: KindControl, ChannelID: d.ChannelID, Control: &Control{Action: "disable_input"}})
	}
	ctx, span := m.traceTurn(ctx, d)
	limited, cancel := context.WithTimeoutCause(ctx, m.opts.TurnTimeout, errTimeout)
	defer cancel()
	a, left := m.ask(limited, d, out)
	if left != nil {
		log.Error("the agent goes on after its turn was ended")
	}
	out.close()
	m.conclude(limited, log, d, out, a)
	endTurn(span, out.over(), a.err)
	return left
}

// controls tells whether clients' input is disabled during a turn, under a value of Options.InputControl.
func controls(mode string, dm bool) bool { return mode == "all" || mode == "dm" && dm }

// ask has the brain answer. It returns when that does, or a moment after ctx has ended.
func (m *Manager) ask(ctx context.Context, d *Delivery, out *out) (attempt, <-chan struct{}) {
	a := attempt{built: true}
	done := make(chan struct{})
	go func() { // whoever runs the turn waits for it
		defer close(done)
		err := guarded(m.log.With("agent_id", d.AgentID), "a turn", func() error {
			a = m.answer(ctx, d, out)
			return nil
		})
		if err != nil {
			a.err = err
		}
	}()
	select {
	case <-done:
		return a, nil
	case <-ctx.Done():
	}
	grace := time.NewTimer(brainGrace)
	defer grace.Stop()
	select {
	case <-done:
		return a, nil
	case <-grace.C:
		return attempt{built: true, err: context.Cause(ctx)}, done
	}
}

// answer builds the brain when needed and calls it.
func (m *Manager) answer(ctx context.Context, d *Delivery, out *out) (a attempt) {
	rt, err := m.agents.Runtime(ctx, d.AgentID)
	if err != nil {
		return attempt{err: err}
	}
	out.speaks(rt.Character().Name)
	msg := d.Message
	a.built = true
	t := &core.Turn{
		ID: d.ID, Attempt: d.Attempt, AgentID: d.AgentID, MessageID: msg.ID, ChannelID: d.ChannelID, ServerID: d.Channel.ServerID,
		AuthorID: msg.AuthorID, ChannelType: d.Channel.Type, ChannelName: d.Channel.Name, AuthorName: authorName(msg),
		Source: msg.SourceType, InReplyTo: msg.InReplyTo, Content: contentOf(msg), Metadata: msg.Metadata, CreatedAt: msg.CreatedAt,
	}
	if len(m.opts.Hooks) > 0 { // they may change it
		t.Metadata, t.Content.Extra = maps.Clone(t.Metadata), maps.Clone(t.Content.Extra)
	}
	ctx, err = m.beforeTurn(ctx, t)
	hooks := m.turnHooks(ctx, t)
	out.began(hooks)
	if err == nil {
		a.outcome, err = rt.Turn(ctx, t, out)
	}
	if err == nil {
		err = hooks.before(a.outcome.Reply)
	}
	if errors.Is(err, ErrIgnore) {
		err = nil
	}
	a.err = err
	return a
}

// conclude turns what came of a turn into the end of its delivery.
func (m *Manager) conclude(ctx context.Context, log *slog.Logger, d *Delivery, out *out, a attempt) {
	var e Ending
	if a.err == nil {
		a.err = guarded(log, "a reply", func() error { e = out.ending(a.outcome); return nil })
	}
	if a.err == nil {
		if e.Reply == nil {
			out.fail(errSilent) // what was streamed is not going to be a reply
		}
		m.finish(log, d, e, out)
		return
	}
	cause := context.Cause(ctx)
	if cause == nil {
		cause = a.err
	}
	out.fail(cause)
	switch {
	case cause == errShutdown && len(d.Replies) > 0:
		m.finish(log, d, Ending{State: StateDone, Error: interrupted}, out)
	case cause == errShutdown && out.acted():
		m.finish(log, d, Ending{State: StateFailed, Error: interrupted}, out)
	case cause == errShutdown:
		m.release(log, d, 0, false, cause.Error())
	case cause == errTimeout:
		log.Warn("turn timed out")
		m.finish(log, d, Ending{State: StateTimeout, Error: cause.Error()}, out)
	case cause == errStopped || cause == errDeleted:
		m.finish(log, d, Ending{State: StateCancelled, Error: cause.Error()}, out)
	case !a.built:
		m.unbuilt(log, d, out, a.err)
	default:
		log.Error("turn failed", "err", a.err)
		m.finish(log, d, Ending{State: StateFailed, Error: clientText(a.err)}, out)
	}
}

// broken ends a delivery whose turn came to no end.
func (m *Manager) broken(d *Delivery, err error) {
	m.finish(m.log.With("message_id", d.MessageID), d, Ending{State: StateFailed, Error: clientText(err)}, newOut(m, d))
}

// unbuilt ends or gives back a delivery whose agent cannot be had here.
func (m *Manager) unbuilt(log *slog.Logger, d *Delivery, out *out, err error) {
	switch code := core.CodeOf(err); {
	case code == core.CodeNotFound || code == core.CodeAgentNotFound:
		m.finish(log, d, Ending{State: StateCancelled, Error: "the agent is not running"}, out)
	case d.Crashes >= m.opts.MaxLost:
		log.Error("agent cannot be built", "err", err)
		m.finish(log, d, Ending{State: StateFailed, Error: interrupted}, out)
	default:
		log.Warn("agent cannot be built, trying again", "err", err)
		pause := backoff(d.Crashes + 1)
		m.release(log, d, pause, true, "build failed")
		d.More = d.More || pause == 0 // look again at once
	}
}

// backoff is the pause before a delivery that was lost so many times is tried again.
func backoff(lost int) time.Duration {
	return [...]time.Duration{0, 0, time.Second, 5 * time.Second}[min(lost, 3)]
}

// clientText is what a client may know of an error.
func clientText(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Message
	}
	return "The agent could not answer"
}

// finish ends a delivery and announces it. It tries as long as the database is away: nobody else may end
// it while this process lives.
func (m *Manager) finish(log *slog.Logger, d *Delivery, e Ending, out *out) {
	var ended *Ended
	e.Commit = patient(log, e.Commit)
	tries := 0
	err := m.insist(log, func() (err error) {
		ended, err = m.store.Finish(context.Background(), d, e)
		if tries++; err == nil || errors.Is(err, ErrLost) || tries < unstorable {
			return err
		}
		// Does the store refuse every end, or only this answer?
		failed := Ending{State: StateFailed, Error: "the answer could not be stored"}
		if instead, lost := m.store.Finish(context.Background(), d, failed); lost == nil {
			log.Error("answer could not be stored", "err", err)
			out.fail(err)
			ended, e = instead, failed
			return nil
		}
		return err
	})
	switch {
	case err == nil:
		m.seqs.publish(d.ChannelID, ended.Events...)
		m.lanes.wake(ended.Lanes...)
		out.finished(e.State, ended)
	case errors.Is(err, ErrLost):
		log.Info("delivery was taken over")
		out.fail(err)
	default:
		log.Error("delivery not ended", "err", err)
		out.fail(err)
	}
}

// patient gives a brain's part of the transaction a few tries; after that the answer goes without it.
func patient(log *slog.Logger, commit func(context.Context) error) func(context.Context) error {
	if commit == nil {
		return nil
	}
	commit = isolated(log, commit)
	tries := 3
	return func(ctx context.Context) error {
		if tries <= 0 {
			return nil
		}
		tries--
		err := commit(ctx)
		if err != nil && tries == 0 {
			log.Error("records of a turn are not stored", "err", err)
		}
		return err
	}
}

func (m *Manager) release(log *slog.Logger, d *Delivery, pause time.Duration, lost bool, reason string) {
	err := m.insist(log, func() error { return m.store.Release(context.Background(), d, pause, lost, reason) })
	if err != nil && !errors.Is(err, ErrLost) {
		log.Error("delivery not released", "err", err)
	}
}

// insist repeats fn, with growing pauses, until it works, the delivery is lost, or the server has closed.
func (m *Manager) insist(log *slog.Logger, fn func() error) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := guarded(log, "the end of a turn", fn)
		if err == nil || errors.Is(err, ErrLost) {
			return err
		}
		log.Warn("cannot store the end of a turn, trying again", "err", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-m.closed:
			timer.Stop()
			return err
		}
	}
}
