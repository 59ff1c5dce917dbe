package bootstrap

import (
	"context"
	"errors"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func reply() plugin.Action {
	return plugin.Action{
		Name: "REPLY", Description: "Says something to the people in the conversation.",
		Similes:    []string{"GREET", "RESPOND", "RESPONSE", "SEND_REPLY", "REPLY_TO_MESSAGE"},
		Idempotent: true,
		Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			a, err := c.Generate(ctx, plugin.Prompt{Name: "replyTemplate", Stream: true})
			if err != nil {
				return plugin.Result{}, err
			}
			if a.Text == "" {
				return plugin.Result{}, &core.Error{Code: core.CodeModel, Message: "The model gave no usable answer", Err: errors.New("bootstrap: empty reply")}
			}
			err = c.Reply(ctx, core.Content{Text: a.Text, Thought: a.Thought, Actions: []string{"REPLY"}})
			return plugin.Result{Text: a.Text, Values: map[string]any{"lastReply": a.Text}}, err
		},
	}
}

func ignore() plugin.Action {
	return quiet("IGNORE", "Says nothing, because nothing is asked of you or the conversation is over.",
		"STOP_TALKING", "STOP_CHATTING", "STOP_CONVERSATION")
}

func none() plugin.Action {
	return quiet("NONE", "Does nothing beyond what the text says.", "NO_ACTION", "NO_RESPONSE", "NO_REACTION")
}

// quiet is an action without effect.
func quiet(name, description string, similes ...string) plugin.Action {
	return plugin.Action{
		Name: name, Description: description, Similes: similes, Idempotent: true,
		Run: func(context.Context, *plugin.Call) (plugin.Result, error) { return plugin.Result{}, nil },
	}
}
