package loop

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	summaryAction = "MULTI_STEP_SUMMARY"
	longestPause  = 8 * time.Second // between two tries to get a plan
)

// plan is what a model wants to do in one round.
type plan struct {
	thought   string
	action    string          // proper name, "" = none
	params    json.RawMessage // an object, nil = none
	providers []string
	finish    bool // nothing is left to do but to answer
}

// multiStep answers in rounds. In each the model asks for information, has one action done, or finds that it
// has what it needs; then one more call writes the answer, the only text that is streamed.
func (u *turn) multiStep(ctx context.Context) (*core.Content, string, error) {
	rounds := u.r.settingInt("MAX_MULTISTEP_ITERATIONS", 6, 1, 100)
	results := []any{}
	var last *plan // that was shown
	defer func() {
		if last != nil {
			u.shows(ctx, "Steps: "+strconv.Itoa(len(results)), last, "completed")
		}
	}()
	for round := range rounds {
		p, err := u.plan(ctx, round, rounds)
		if err != nil {
			return nil, "", err
		}
		if p == nil {
			u.r.log.Warn("no plan can be read, the answer is written from what there is", "run_id", u.run, "round", round+1)
			break
		}
		if p.action == "IGNORE" && len(results) == 0 && u.sent() == 0 {
			u.ignored(p.thought)
			return nil, reasonIgnored, nil
		}
		if !p.finish || p.acts() {
			last = p
			u.shows(ctx, strings.TrimSuffix(fmt.Sprintf("Step %d: %s", round+1, clip(p.thought, maxPast)), ": "), p, "executing")
		}
		if len(p.providers) > 0 {
			if err := u.composeWithin(ctx, u.providersLimit(), p.providers); err != nil {
				return nil, "", err
			}
		}
		if p.acts() {
			result, err := u.stepOf(ctx, p, round)
			if err != nil {
				return nil, "", err
			}
			results = append(results, result)
			u.state = withResults(u.state, nil, actionState(results, len(results), len(results)))
		}
		if p.finish || !p.acts() && len(p.providers) == 0 {
			break
		}
	}
	reply, err := u.summarise(ctx)
	return reply, reasonIgnored, err
}

// acts tells whether the round has an action to run: an answer in words is what the rounds lead to anyway.
func (p *plan) acts() bool {
	return p.action != "" && p.action != "REPLY" && p.action != "NONE" && p.action != "IGNORE"
}

// plan asks for the next round. It is nil when no answer of the model could be read.
func (u *turn) plan(ctx context.Context, round, rounds int) (*plan, error) {
	if round > 0 {
		if err := u.compose(ctx, []string{"RECENT_MESSAGES", "ACTION_STATE"}); err != nil {
			return nil, err
		}
	}
	state := withValues(u.state, map[string]any{"iterationCount": round + 1, "maxIterations": rounds})
	pause := time.Second
	for try := range u.r.settingInt("MULTISTEP_PARSE_RETRIES", 5, 1, 10) {
		if try > 0 {
			if err := wait(ctx, pause); err != nil {
				return nil, err
			}
			pause = min(2*pause, longestPause)
		}
		req := core.TextRequest{
			Type: core.TextLarge, Purpose: core.PurposeStep, Prompt: u.render(state, templateStep, ""), Messages: u.messages(),
		}
		c, err := u.ask(ctx, req, nil, "")
		if err != nil {
			return nil, err
		}
		if f, ok := parseAnswer(c.text); ok {
			if p := u.readPlan(f); p != nil {
				return p, nil
			}
		}
	}
	return nil, nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readPlan is nil when the fields say nothing of what to do.
func (u *turn) readPlan(f fields) *plan {
	p := &plan{thought: f["thought"], providers: f.list("providers")}
	name := f["action"]
	if name == "" && len(f.list("actions")) > 0 {
		name = f.list("actions")[0]
	}
	if name != "" && !strings.EqualFold(name, "null") {
		p.action = u.r.set.canonical(name)
	}
	finish, said := f["isFinish"]
	switch strings.ToLower(finish) {
	case "true", "yes", "1":
		p.finish = true
	}
	p.finish = p.finish || p.action == "REPLY"
	if p.action == "" && len(p.providers) == 0 && !said {
		return nil
	}
	var object map[string]any
	if raw := []byte(f["parameters"]); json.Unmarshal(raw, &object) == nil && object != nil {
		p.params = raw
	}
	return p
}

// stepOf runs the action of a round. An error ends the turn; that of the action is in its result.
func (u *turn) stepOf(ctx context.Context, p *plan, round int) (map[string]any, error) {
	if err := u.flush(ctx, 0); err != nil {
		return nil, err
	}
	params := map[string]any{}
	if p.params != nil {
		if err := core.DecodeJSON(p.params, &params); err != nil {
			return nil, fmt.Errorf("loop: read parameters: %w", err)
		}
	}
	u.state = withResults(u.state, nil, u.state.Data["ACTION_STATE"]) // a copy: plugin code may hold the old one
	u.state.Data["actionParams"] = plugin.Data{Data: params}
	d := &decision{thought: p.thought, actions: []string{p.action}, params: map[string]json.RawMessage{normal(p.action): p.params}}
	s := u.newStep(d, p.action, round, 0)
	result, err := s.run(ctx)
	if err := s.fatal(ctx, err); err != nil {
		return nil, err
	}
	u.state = withResults(u.state, result.Values, u.state.Data["ACTION_STATE"])
	return s.outcome(result, err), nil
}

// shows tells clients that show such things what a round is about. All rounds have one place there.
func (u *turn) shows(ctx context.Context, text string, p *plan, status string) {
	if u.t.Source != clientChat || ctx.Err() != nil {
		return
	}
	id := core.StringToUUID(string(u.run) + ":steps")
	err := u.out.Progress(ctx, id, core.Content{
		Text: text, Thought: p.thought, Actions: slices.DeleteFunc([]string{p.action}, func(s string) bool { return s == "" }), Providers: p.providers,
		Extra: map[string]any{
			"type": "agent_action", "actionId": string(id), "actionStatus": status, "runId": string(u.run), "source": u.t.Source,
		},
	})
	if err != nil && ctx.Err() == nil {
		u.r.log.Warn("progress is not shown", "run_id", u.run, "err", err)
	}
}

// providersLimit is how long the providers of a round may take, all of them together: they run at once.
func (u *turn) providersLimit() time.Duration {
	ms := u.r.settingInt("PROVIDERS_TOTAL_TIMEOUT_MS", 1000, 1, 600_000)
	return min(time.Duration(ms)*time.Millisecond, u.r.opts.ProviderTimeout)
}

// summarise writes the answer from all that the rounds brought.
func (u *turn) summarise(ctx context.Context) (*core.Content, error) {
	if err := u.flush(ctx, 0); err != nil {
		return nil, err
	}
	if err := u.compose(ctx, []string{"RECENT_MESSAGES", "ACTION_STATE"}); err != nil {
		return nil, err
	}
	shown := &shown{}
	for range maxAsked {
		req := core.TextRequest{
			Type: core.TextLarge, Purpose: core.PurposeReply, Prompt: u.render(u.state, templateSummary, ""), Messages: u.messages(),
		}
		x := newExtractor(nil, shown)
		c, err := u.ask(ctx, req, u.stream(x), summaryAction)
		if err != nil {
			return nil, err
		}
		a := answerOf(c.text, x)
		text := a.Text
		if shown.text.Len() > 0 {
			d, err := u.shownAnswer(ctx, x, fields(a.Fields))
			if err != nil {
				return nil, err
			}
			text = d.text
		}
		if text == "" {
			continue
		}
		reply := core.Content{Text: text, Thought: a.Thought, Actions: []string{summaryAction}, ResponseID: u.out.NextReply()}
		u.mu.Lock()
		u.spoke(reply)
		u.mu.Unlock()
		return &reply, nil
	}
	if u.sent() > 0 {
		return nil, nil // actions have spoken
	}
	return nil, &core.Error{Code: core.CodeModel, Message: "The model gave no usable answer"}
}
