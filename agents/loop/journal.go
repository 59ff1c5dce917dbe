package loop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxLogged     = 16 << 10        // bytes of a prompt or an answer in the log
	lastWords     = 2 * time.Second // for what is recorded of a turn that failed
	statusDone    = "completed"
	statusFailed  = "error"
	statusTimeout = "timeout"
)

// journal is what will be recorded of a turn.
type journal struct {
	memories []core.Memory
	logs     []core.Log
	prompts  []any // of the action being run
}

// note adds a log entry. What it says is fixed now, its id too, so that it can be written again.
func (u *turn) note(kind string, entity core.UUID, body map[string]any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log.logs = append(u.log.logs, core.Log{
		ID: core.NewUUID(), AgentID: u.r.id, EntityID: entity, RoomID: u.room.ID, Type: kind, Body: body, CreatedAt: core.ISO(u.r.opts.Now.Now()),
	})
}

func (u *turn) remember(m ...core.Memory) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log.memories = append(u.log.memories, m...)
}

// take returns what is to be recorded and has not been yet.
func (u *turn) take() ([]core.Memory, []core.Log) {
	u.mu.Lock()
	defer u.mu.Unlock()
	memories, logs := u.log.memories, u.log.logs
	u.log.memories, u.log.logs = nil, nil
	return memories, logs
}

func (u *turn) runBody(status string) map[string]any {
	return map[string]any{
		"runId": string(u.run), "status": status, "messageId": string(u.memory.ID), "roomId": string(u.room.ID),
		"entityId": string(u.t.AuthorID), "source": "messageHandler", "startTime": u.started,
	}
}

// starts notes the beginning of the run and the message itself.
func (u *turn) starts() {
	u.note("run_event", u.t.AuthorID, u.runBody("started"))
}

func (u *turn) ended(status string, err error) map[string]any {
	body := u.runBody(status)
	body["endTime"], body["duration"] = u.r.opts.Now.Now(), time.Since(u.begin).Milliseconds()
	if err != nil {
		body["error"] = err.Error()
	}
	u.note("run_event", u.t.AuthorID, body)
	return body
}

// model notes a call of the text model.
func (u *turn) model(ctx context.Context, req core.TextRequest, c completion, err error, during string) {
	prompt, response := clip(req.Prompt, maxLogged), clip(c.text, maxLogged)
	body := map[string]any{
		"modelType": req.Type, "modelKey": req.Type, "purpose": req.Purpose, "prompt": prompt,
		"response": response, "provider": c.from, "executionTime": c.took.Milliseconds(), "runId": string(u.run), "timestamp": u.r.opts.Now.Now(),
	}
	if c.usage != nil {
		body["usage"] = map[string]any{
			"prompt_tokens": c.usage.PromptTokens, "completion_tokens": c.usage.CompletionTokens, "total_tokens": c.usage.TotalTokens,
		}
	}
	if during != "" {
		body["actionContext"] = during
	}
	if err != nil {
		body["error"] = err.Error()
	}
	u.note("useModel:"+req.Type, u.r.id, body)
	u.mu.Lock()
	u.log.prompts = append(u.log.prompts, map[string]any{"modelType": req.Type, "prompt": prompt, "timestamp": body["timestamp"]})
	u.mu.Unlock()
	if err == nil {
		u.r.tell(ctx, core.EventModelUsed, u.event("type", req.Type, "provider", c.from, "usage", body["usage"]))
	}
}

// said is the agent's memory of a reply.
func (u *turn) said(id core.UUID, c core.Content) core.Memory {
	c.InReplyTo, c.ChannelType = u.memory.ID, u.t.ChannelType
	if c.Source == "" {
		c.Source = u.t.Source
	}
	return core.Memory{
		ID: id, Table: core.TableMessages, CreatedAt: max(u.r.opts.Now.Now(), u.t.CreatedAt+1), Content: c,
		EntityID: u.r.id, AgentID: u.r.id, RoomID: u.room.ID, WorldID: u.room.WorldID,
		Metadata: map[string]any{
			"type": "message", "source": u.t.Source, "sourceId": string(id),
			"raw": map[string]any{"senderName": u.char.Name, "senderId": string(u.r.id)},
		},
	}
}

// ignored remembers that the agent chose to say nothing.
func (u *turn) ignored(thought string) {
	m := u.said(u.out.NextReply(), core.Content{Thought: thought, Actions: []string{"IGNORE"}})
	delete(m.Metadata, "sourceId") // nothing of it was sent
	u.remember(m)
}

// outcome ends a turn that went well. What is remembered of it is written with the reply.
func (u *turn) outcome(reply *core.Content, reason string) core.Outcome {
	next := u.out.NextReply()
	body := u.ended(statusDone, nil)
	before, logs := u.take()
	var finished sync.Once
	return core.Outcome{Reply: reply, Reason: reason, Commit: func(ctx context.Context) error {
		memories := append([]core.Memory{u.memory}, before...)
		if reply != nil && (reply.Text != "" || len(reply.Attachments) > 0) { // as the host's hooks left it
			memories = append(memories, u.said(next, *reply))
		}
		if err := u.r.memories.Record(ctx, memories, logs); err != nil {
			return fmt.Errorf("loop: record a turn: %w", err)
		}
		core.AfterCommit(ctx, func() {
			finished.Do(func() { u.r.background(func(ctx context.Context) { u.after(ctx, body, memories) }) })
		})
		return nil
	}}
}

// failed records what there is of a turn that ends by an error.
func (u *turn) failed(ctx context.Context, err error) {
	status, event := statusFailed, core.EventRunEnded
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		status, event = statusTimeout, core.EventRunTimeout
	}
	body := u.ended(status, err)
	u.record(ctx, nil)
	u.r.background(func(ctx context.Context) { u.r.tell(ctx, event, u.event("status", status, "error", body["error"])) })
}

// record writes what has been noted so far, and the message, at once. It is done as well as can be: an
// error is only logged.
func (u *turn) record(ctx context.Context, keep []core.Memory) {
	memories, logs := u.take()
	memories = append(append([]core.Memory{u.memory}, keep...), memories...)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := u.r.memories.Record(ctx, memories, logs); err != nil {
		u.r.log.Warn("cannot record a turn", "run_id", u.run, "err", err)
	}
}

// after is what follows a turn whose end is stored.
func (u *turn) after(ctx context.Context, run map[string]any, memories []core.Memory) {
	ctx = trace.ContextWithSpanContext(ctx, u.span)
	for _, m := range memories {
		if m.EntityID == u.r.id && m.Content.Text != "" && m.Metadata["type"] != actionResult {
			u.r.tell(ctx, core.EventMessageSent, u.event("message", m))
		}
	}
	data := u.event()
	maps.Copy(data, run)
	u.r.tell(ctx, core.EventRunEnded, data)
	u.evaluate(ctx)
}
