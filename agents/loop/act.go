package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// act runs the actions of a decision, in order, and returns the last reply. A reply is sent when another
// action or reply follows it.
func (u *turn) act(ctx context.Context, d *decision) (*core.Content, error) {
	if len(d.providers) > 0 {
		if err := u.compose(ctx, d.providers); err != nil {
			return nil, err
		}
	}
	var (
		results []any
		silent  error // why REPLY said nothing
	)
	for i, name := range d.actions {
		if err := u.flush(ctx, 0); err != nil {
			return nil, err
		}
		if i > 0 {
			if err := u.compose(ctx, []string{"RECENT_MESSAGES", "ACTION_STATE"}); err != nil {
				return nil, err
			}
		}
		s := u.newStep(d, name, i, len(d.actions))
		result, err := s.run(ctx)
		if err := s.fatal(ctx, err); err != nil {
			return nil, err
		}
		if err != nil && s.name == "REPLY" {
			silent = err
		}
		results = append(results, s.outcome(result, err))
		u.state = withResults(u.state, result.Values, actionState(results, i+1, len(d.actions)))
	}
	if err := u.flush(ctx, 1); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case len(u.queue) > 0:
		return &u.queue[0], nil
	case silent == nil || u.replies > 0:
		return nil, nil
	case d.text != "":
		return &core.Content{Text: d.text, Thought: d.thought, Actions: []string{"REPLY"}}, nil
	}
	return nil, silent
}

// flush sends waiting replies until no more than keep are left, and remembers them.
func (u *turn) flush(ctx context.Context, keep int) error {
	for {
		u.mu.Lock()
		if len(u.queue) <= keep {
			u.mu.Unlock()
			return nil
		}
		c := u.queue[0]
		u.queue = u.queue[1:]
		u.mu.Unlock()
		id, err := u.out.Send(ctx, &c)
		if err != nil {
			return because(ctx, fmt.Errorf("loop: send a reply: %w", err))
		}
		if id == "" { // the host does not want it to be said
			continue
		}
		u.mu.Lock()
		u.replies++
		u.mu.Unlock()
		u.record(ctx, []core.Memory{u.said(id, c)})
	}
}

// actionResult is the type of memories that tell what an action did.
const actionResult = "action_result"

// errCannotMark ends a turn: without the mark a side effect might be repeated.
var errCannotMark = errors.New("the turn cannot be marked as acting")

// step is one action of a turn.
type step struct {
	u      *turn
	d      *decision
	name   string
	index  int // among the actions of the turn
	of     int // how many there are, 0 = not known
	id     core.UUID
	action *action

	mu     sync.Mutex
	closed bool
	said   []core.Content
}

func (u *turn) newStep(d *decision, name string, index, of int) *step {
	return &step{u: u, d: d, name: name, index: index, of: of, id: core.StringToUUID(fmt.Sprintf("%s:action:%d", u.run, index))}
}

// fatal is what of an action's end ends the turn.
func (s *step) fatal(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errCannotMark):
		return err
	}
	return nil
}

// planStep is which of how many actions it is.
func (s *step) planStep() string {
	if s.of == 0 {
		return strconv.Itoa(s.index + 1)
	}
	return fmt.Sprintf("%d/%d", s.index+1, s.of)
}

// run runs the action. An error is that of the action; the turn goes on, but for errCannotMark.
func (s *step) run(ctx context.Context) (plugin.Result, error) {
	u := s.u
	s.action = u.r.set.action(s.name)
	if s.action == nil {
		u.r.log.Warn("model chose an action nobody has", "action", s.name, "run_id", u.run)
		return plugin.Result{}, errors.New("there is no such action")
	}
	if !s.action.Idempotent {
		if err := u.out.Acting(ctx); err != nil {
			return plugin.Result{}, fmt.Errorf("%w: %w", errCannotMark, err)
		}
	}
	u.mu.Lock()
	u.log.prompts = nil
	u.mu.Unlock()
	u.r.tell(ctx, core.EventActionStarted, s.event("executing"))
	s.progress(ctx, "Executing action: "+s.name, "executing")
	call := u.call()
	call.Params, call.Reply = s.params(), s.reply
	call.Generate = u.generator(call.State, s.name, s)
	watched, seen := u.r.see(ctx, core.ObservedAction, s.action.Name, "execute_tool", s.action.Name, attribute.String("gen_ai.tool.name", s.action.Name))
	result, err := bounded(watched, u.r, max(u.r.opts.ActionTimeout, s.action.Timeout), place{s.action.plugin, "action", s.name}, func(ctx context.Context) (plugin.Result, error) {
		return s.action.Run(ctx, call)
	})
	seen.end(err)
	s.close()
	if err != nil && ctx.Err() == nil {
		u.r.log.Warn("action failed", "plugin", s.action.plugin, "action", s.name, "run_id", u.run, "err", err)
	}
	status, text := "completed", "Completed action: "
	if err != nil {
		status, text = "failed", "Failed action: "
	}
	if ctx.Err() == nil {
		s.progress(ctx, text+s.name, status)
		u.r.tell(ctx, core.EventActionCompleted, s.event(status))
	}
	return result, err
}

func (s *step) event(status string) map[string]any {
	return s.u.event("action", s.name, "actionId", string(s.id), "status", status)
}

// params are the parameters the model gave for this action: under its name, or all there is for the only one.
func (s *step) params() json.RawMessage { return s.d.params[normal(s.name)] }

// reply takes a reply of the action; it is sent after the action has ended.
func (s *step) reply(ctx context.Context, c core.Content) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if strings.TrimSpace(c.Text) == "" && len(c.Attachments) == 0 {
		return nil
	}
	if len(c.Actions) == 0 {
		c.Actions = []string{s.name}
	}
	if c.Thought == "" {
		c.Thought = s.d.thought
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errSlow
	}
	s.said = append(s.said, c)
	return nil
}

// close ends the action's part: what it replied waits to be sent, what it replies later is refused.
func (s *step) close() {
	s.mu.Lock()
	s.closed = true
	said := s.said
	s.said = nil
	s.mu.Unlock()
	s.u.enqueue(said)
}

// enqueue puts replies in line, and into the conversation that later prompts see.
func (u *turn) enqueue(said []core.Content) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range said {
		u.queue = append(u.queue, c)
		u.spoke(c)
	}
}

// spoke puts a reply into the conversation that later prompts see. It needs u.mu.
func (u *turn) spoke(c core.Content) {
	u.recent = append(u.recent[:len(u.recent):len(u.recent)], core.Memory{
		Table: core.TableMessages, CreatedAt: u.r.opts.Now.Now(), Content: c, EntityID: u.r.id, AgentID: u.r.id, RoomID: u.room.ID,
		Metadata: map[string]any{"type": "message", "raw": map[string]any{"senderName": u.char.Name}},
	})
}

// clientChat is the source of messages whose clients show what an agent does.
const clientChat = "client_chat"

// progress shows the action at work to the clients that show such things.
func (s *step) progress(ctx context.Context, text, status string) {
	u := s.u
	if u.t.Source != clientChat || s.action.Name == "IGNORE" || s.action.Name == "NONE" {
		return
	}
	err := u.out.Progress(ctx, s.id, core.Content{
		Text: text, Thought: s.d.thought, Actions: []string{s.name},
		Extra: map[string]any{
			"type": "agent_action", "actionId": string(s.id), "actionStatus": status, "runId": string(u.run), "source": u.t.Source,
		},
	})
	if err != nil && ctx.Err() == nil {
		u.r.log.Warn("progress is not shown", "action", s.name, "err", err)
	}
}

// outcome notes how the action ended and returns it for later ones.
func (s *step) outcome(result plugin.Result, err error) map[string]any {
	u := s.u
	out := map[string]any{"actionName": s.name, "success": err == nil, "text": result.Text}
	maps.Copy(out, map[string]any{"values": result.Values, "data": result.Data})
	if err != nil {
		out["error"] = err.Error()
	}
	u.mu.Lock()
	prompts := u.log.prompts
	u.log.prompts = nil
	u.mu.Unlock()
	s.remember(result, err)
	u.note("action", u.r.id, map[string]any{
		"runId": string(u.run), "action": s.name, "actionId": string(s.id), "params": s.params(), "prompts": prompts, "promptCount": len(prompts),
		"response": result.Text, "planStep": s.planStep(), "result": out,
	})
	return out
}

// remember keeps what the action did for later turns. The built-in ones leave no trace but their replies.
func (s *step) remember(result plugin.Result, err error) {
	u, status, text := s.u, "completed", result.Text
	if err != nil {
		status, text = "failed", err.Error()
	}
	switch s.name {
	case "REPLY", "IGNORE", "NONE":
		return
	}
	m := u.said(core.StringToUUID(string(s.id)+":result"), core.Content{
		Text: strings.TrimSuffix(s.name+": "+clip(text, maxPast), ": "), Actions: []string{s.name}, Source: "action",
		Extra: map[string]any{
			"type": actionResult, "actionName": s.name, "actionStatus": status, "runId": string(u.run),
			"planStep": s.planStep(),
		},
	})
	m.Metadata["type"] = actionResult
	delete(m.Metadata, "sourceId")
	u.remember(m)
}

// actionState is what prompts and plugin code are told of the actions so far.
func actionState(results []any, step, of int) plugin.Data {
	failed := 0
	for _, r := range results {
		if r.(map[string]any)["success"] != true {
			failed++
		}
	}
	return plugin.Data{
		Values: map[string]any{
			"actionResults": resultLines(results), "hasActionPlan": of > 1, "currentActionStep": step, "totalActionSteps": of,
			"completedActions": len(results) - failed, "failedActions": failed,
		},
		Data: map[string]any{"actionResults": results},
	}
}

// maxResults is how many results a prompt shows, the last ones.
const maxResults = 10

func resultLines(results []any) string {
	var b strings.Builder
	for _, r := range results[max(0, len(results)-maxResults):] {
		m := r.(map[string]any)
		status := "done"
		if m["success"] != true {
			status = fmt.Sprintf("failed (%v)", m["error"])
		}
		fmt.Fprintf(&b, "- %s: %s", m["actionName"], status)
		if text, _ := m["text"].(string); text != "" {
			b.WriteString(". " + clip(text, maxPast))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
