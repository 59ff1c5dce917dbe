package bootstrap

import (
	"context"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// States of an agent in a room.
const (
	followed = "FOLLOWED"
	muted    = "MUTED"
)

// stance is an action that changes how the agent stands to the room it is in, after it made sure that this
// is wanted.
type stance struct {
	name, description string
	similes           []string
	valid             func(state, text string) bool
	template          string // name of the question
	question          string // what is asked, after "Does … "
	state             string // the new one
	said, kept        string // the answer, and why there is none
}

func (s stance) action() plugin.Action {
	return plugin.Action{
		Name: s.name, Description: s.description, Similes: s.similes, Idempotent: true,
		Validate: func(_ context.Context, c *plugin.Call) (bool, error) {
			return c.Memory != nil && s.valid(c.Room.State, strings.ToLower(c.Memory.Content.Text)), nil
		},
		Run: s.run,
	}
}

// run changes the state. The answer is said only when the agent has not spoken in this turn: REPLY has better
// words.
func (s stance) run(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
	yes, err := confirm(ctx, c, s.template, s.question)
	if err != nil || !yes {
		return plugin.Result{Text: s.kept}, err
	}
	if err := c.Runtime.Memories().SetRoomState(ctx, c.Room.ID, s.state); err != nil {
		return plugin.Result{}, err
	}
	done := plugin.Result{Text: s.said, Values: map[string]any{"roomState": s.state}}
	if spoken(c) {
		return done, nil
	}
	return done, c.Reply(ctx, core.Content{Text: s.said})
}

func muteRoom() plugin.Action {
	return stance{
		name: "MUTE_ROOM", description: "Stays silent in this room from now on, until somebody calls the agent by name. Only when that is asked for.",
		similes:  []string{"MUTE_CHAT", "MUTE_CHANNEL", "MUTE_CONVERSATION", "MUTE_THREAD", "SILENCE_ROOM"},
		valid:    func(state, _ string) bool { return state != muted },
		template: "shouldMuteTemplate", question: "ask {{agentName}} to stop answering in this room, not only for this one message",
		state: muted, said: "I will be silent here until somebody calls me by name.", kept: "Nobody asked for silence.",
	}.action()
}

func unmuteRoom() plugin.Action {
	return stance{
		name: "UNMUTE_ROOM", description: "Answers in this room again. Only when that is asked for.",
		similes:  []string{"UNMUTE_CHAT", "UNMUTE_CHANNEL", "UNMUTE_CONVERSATION", "UNMUTE_THREAD", "SPEAK_AGAIN"},
		valid:    func(state, _ string) bool { return state == muted },
		template: "shouldUnmuteTemplate", question: "ask {{agentName}} to take part in this room again",
		said: "I am here again.", kept: "Nobody asked for an end of the silence.",
	}.action()
}

// followWords are what a wish to be followed is told by.
var followWords = []string{"follow", "join", "participate", "take part", "stay with", "listen", "keep reading", "engage"}

func followRoom() plugin.Action {
	return stance{
		name: "FOLLOW_ROOM", description: "Follows this room with interest and takes part without being called. Only when that is asked for.",
		similes: []string{"FOLLOW_CHAT", "FOLLOW_CHANNEL", "FOLLOW_CONVERSATION", "FOLLOW_THREAD", "JOIN_ROOM"},
		valid: func(state, text string) bool {
			return state != followed && containsAny(text, followWords)
		},
		template: "shouldFollowTemplate", question: "ask {{agentName}} to follow this room and take part in it without being called",
		state: followed, said: "I will follow what is said here.", kept: "Nobody asked for a follower.",
	}.action()
}

func unfollowRoom() plugin.Action {
	return stance{
		name: "UNFOLLOW_ROOM", description: "Stops following this room. Only when that is asked for.",
		similes:  []string{"UNFOLLOW_CHAT", "UNFOLLOW_CHANNEL", "UNFOLLOW_CONVERSATION", "UNFOLLOW_THREAD", "LEAVE_ROOM"},
		valid:    func(state, _ string) bool { return state == followed },
		template: "shouldUnfollowTemplate", question: "ask {{agentName}} to stop following this room",
		said: "I no longer follow what is said here, unless somebody calls me.", kept: "Nobody asked for less.",
	}.action()
}

const confirmText = `<task>Read the conversation and answer one question about its last message.</task>

{{recentMessages}}

<question>Does the last message {{question}}?</question>

<output>
Answer yes only when the message says so clearly. Write exactly this and nothing around it:
<response><answer>yes or no</answer></response>
</output>`

// confirm asks a small model a question. What is not clearly a yes is a no.
func confirm(ctx context.Context, c *plugin.Call, template, question string) (bool, error) {
	question = strings.ReplaceAll(question, "{{agentName}}", c.Runtime.Character().Name)
	a, err := c.Generate(ctx, plugin.Prompt{
		Type: core.TextSmall, Purpose: core.PurposeConfirm, Name: template, Template: confirmText,
		Values: map[string]any{"question": question},
	})
	if err != nil {
		return false, err
	}
	answer := a.Fields["answer"]
	if answer == "" {
		answer = a.Text
	}
	switch strings.ToLower(strings.Trim(answer, " \t\r\n.!\"'")) {
	case "yes", "true", "y", "1":
		return true, nil
	}
	return false, nil
}

// spoken tells whether the agent has said something since the message came.
func spoken(c *plugin.Call) bool {
	for i := len(c.Recent) - 1; i >= 0; i-- {
		m := &c.Recent[i]
		switch {
		case c.Memory != nil && m.ID == c.Memory.ID:
			return false
		case m.EntityID == c.Runtime.AgentID():
			return true
		}
	}
	return false
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
