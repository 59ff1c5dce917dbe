package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const interrupted = "interrupted"

func stack() string { return string(debug.Stack()) }

// turn answers one delivery. It ends the delivery on every way out, exactly once.
func (m *Manager) turn(ctx context.Context, d *Delivery) {
	log := m.log.With("agent_id", d.AgentID, "channel_id", d.ChannelID, "message_id", d.MessageID, "attempt", d.Attempt)
	if d.First && controls(m.opts.InputControl, IsDM(d.Channel.Type)) {
		m.seqs.live(Event{Kind: KindControl, ChannelID: d.ChannelID, Control: &Control{Action: "disable_input"}})
	}
	rt, err := m.agents.Runtime(ctx, d.AgentID)
	if err != nil {
		m.unbuilt(ctx, log, d, err)
		return
	}
	out := newOut(m, d, rt.Character().Name)
	limited, cancel := context.WithTimeoutCause(ctx, m.opts.TurnTimeout, errTimeout)
	defer cancel()
	outcome, err := m.answer(limited, rt, d, out)
	out.close()
	m.conclude(limited, log, d, out, outcome, err)
}

// controls tells whether clients' input is disabled during a turn, under a value of Options.InputControl.
func controls(mode string, dm bool) bool { return mode == "all" || mode == "dm" && dm }

// answer calls the brain, guarded.
func (m *Manager) answer(ctx context.Context, rt core.Runtime, d *Delivery, out core.Out) (o core.Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			m.log.Error("panic in a turn", "agent_id", d.AgentID, "panic", v, "stack", stack())
			err = fmt.Errorf("panic in the agent's runtime: %v", v)
		}
	}()
	msg := d.Message
	return rt.Turn(ctx, &core.Turn{
		ID: d.ID, Attempt: d.Attempt, MessageID: msg.ID, ChannelID: d.ChannelID, ServerID: d.Channel.ServerID,
		AuthorID: msg.AuthorID, ChannelType: d.Channel.Type, ChannelName: d.Channel.Name, AuthorName: authorName(msg),
		Source: msg.SourceType, InReplyTo: msg.InReplyTo, Content: contentOf(msg), Metadata: msg.Metadata, CreatedAt: msg.CreatedAt,
	}, out)
}

// unbuilt ends or gives back a delivery whose agent cannot be had here.
func (m *Manager) unbuilt(ctx context.Context, log *slog.Logger, d *Delivery, err error) {
	switch code := core.CodeOf(err); {
	case context.Cause(ctx) != nil:
		m.conclude(ctx, log, d, newOut(m, d, ""), core.Outcome{}, err)
	case code == core.CodeNotFound || code == core.CodeAgentNotFound:
		m.finish(ctx, log, d, Ending{State: StateCancelled, Error: "the agent is not running"}, nil)
	case d.Crashes+1 >= m.opts.MaxLost:
		log.Error("agent cannot be built", "err", err)
		m.finish(ctx, log, d, Ending{State: StateFailed, Error: interrupted}, nil)
	default:
		log.Warn("agent cannot be built, trying again", "err", err)
		m.release(ctx, log, d, backoff(d.Crashes+1), true, "build failed")
	}
}

// backoff is the pause before a delivery that was lost so many times is tried again.
func backoff(lost int) time.Duration {
	return [...]time.Duration{0, 0, time.Second, 5 * time.Second}[min(lost, 3)]
}

// conclude turns what came of a turn into the end of its delivery.
func (m *Manager) conclude(ctx context.Context, log *slog.Logger, d *Delivery, out *out, o core.Outcome, err error) {
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		e := out.ending(o)
		if e.Reply == nil {
			out.fail(errSilent) // what was streamed is not going to be a reply
		}
		m.finish(ctx, log, d, e, out)
	case errors.Is(cause, errShutdown) && len(d.Replies) == 0 && !out.acted():
		out.fail(cause)
		m.release(ctx, log, d, 0, false, cause.Error())
	case errors.Is(cause, errShutdown) && len(d.Replies) > 0:
		m.finish(ctx, log, d, Ending{State: StateDone, Error: interrupted}, out)
	case errors.Is(cause, errShutdown):
		m.finish(ctx, log, d, Ending{State: StateFailed, Error: interrupted}, out)
	case errors.Is(cause, errTimeout):
		log.Warn("turn timed out")
		out.fail(cause)
		m.finish(ctx, log, d, Ending{State: StateTimeout, Error: cause.Error()}, out)
	case errors.Is(cause, errStopped):
		out.fail(cause)
		m.finish(ctx, log, d, Ending{State: StateCancelled, Error: cause.Error()}, out)
	case errors.Is(cause, errDeleted):
		out.fail(cause)
	default:
		log.Error("turn failed", "err", err)
		out.fail(err)
		m.finish(ctx, log, d, Ending{State: StateFailed, Error: clientText(err)}, out)
	}
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
func (m *Manager) finish(ctx context.Context, log *slog.Logger, d *Delivery, e Ending, out *out) {
	ctx = context.WithoutCancel(ctx)
	var ended *Ended
	e.Commit = patient(log, e.Commit)
	err := m.insist(ctx, log, func() (err error) {
		ended, err = m.store.Finish(ctx, d, e)
		return err
	})
	switch {
	case err == nil:
		m.seqs.publish(ctx, d.ChannelID, ended.Events...)
		m.lanes.wake(ended.Lanes...)
	case errors.Is(err, ErrLost):
		log.Info("delivery was taken over")
		if out != nil {
			out.fail(err)
		}
	default:
		log.Error("delivery not ended", "err", err)
	}
}

// patient gives a brain's part of the transaction a few tries; after that the answer goes without it.
func patient(log *slog.Logger, commit func(context.Context) error) func(context.Context) error {
	if commit == nil {
		return nil
	}
	tries := 3
	return func(ctx context.Context) error {
		err := commit(ctx)
		if err == nil {
			return nil
		}
		if tries--; tries > 0 {
			return err
		}
		log.Error("records of a turn were not stored", "err", err)
		return nil
	}
}

func (m *Manager) release(ctx context.Context, log *slog.Logger, d *Delivery, pause time.Duration, lost bool, reason string) {
	ctx = context.WithoutCancel(ctx)
	err := m.insist(ctx, log, func() error { return m.store.Release(ctx, d, pause, lost, reason) })
	if err != nil && !errors.Is(err, ErrLost) {
		log.Error("delivery not released", "err", err)
	}
}

// insist repeats fn, with growing pauses, until it works, the delivery is lost, or the server is closing.
func (m *Manager) insist(ctx context.Context, log *slog.Logger, fn func() error) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := fn()
		if err == nil || errors.Is(err, ErrLost) || m.open() != nil {
			return err
		}
		log.Warn("cannot store the end of a turn, trying again", "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// StopAgent ends what an agent has to do: queued deliveries at once, turns under way when they are not
// done after grace. Their messages complete with status "stopped".
func (m *Manager) StopAgent(ctx context.Context, agent core.UUID, grace time.Duration) error {
	running, done := m.lanes.of(agent)
	ended, err := m.store.EndAgent(ctx, agent, running)
	if err != nil {
		return err
	}
	for _, e := range ended {
		m.seqs.publish(ctx, e.ChannelID, e.Events...)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	for _, d := range done {
		select {
		case <-d:
		case <-timer.C:
			for _, d := range m.lanes.cancel(func(t *turn) bool { return t.lane.AgentID == agent }, errStopped) {
				<-d
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ForgetAgent removes an agent that is deleted from channels and message servers. What it said stays.
func (m *Manager) ForgetAgent(ctx context.Context, agent core.UUID) error {
	if err := m.StopAgent(ctx, agent, 0); err != nil {
		return err
	}
	return m.store.ForgetAgent(ctx, agent)
}
