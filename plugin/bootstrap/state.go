package bootstrap

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/eliza-go/eliza/plugin"
)

// actionState tells what the actions of this turn have done. The loop keeps its values up to date.
func actionState() plugin.Provider {
	return plugin.Provider{
		Name: "ACTION_STATE", Description: "What the actions of this turn have done so far", Position: 150,
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			values := map[string]any{
				"actionResults": "", "hasActionPlan": false, "currentActionStep": 0, "totalActionSteps": 0, "completedActions": 0, "failedActions": 0,
			}
			var so plugin.Data
			if c.State != nil {
				so = c.State.Data["ACTION_STATE"]
			}
			maps.Copy(values, so.Values)
			step := sentence(values["hasActionPlan"] == true, "Step %v of %v is done.", values["currentActionStep"], values["totalActionSteps"])
			body := strings.TrimSpace(step + "\n" + fmt.Sprint(values["actionResults"]))
			return plugin.Data{Text: strings.Join(sections("What has been done in this turn", body), ""), Values: values, Data: so.Data}, nil
		},
	}
}

// evaluators lists what looks at the conversation afterwards. It has no text: what a model is to say does not
// depend on it.
func evaluators() plugin.Provider {
	return plugin.Provider{
		Name: "EVALUATORS", Description: "What looks at the conversation after an answer",
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			var names, described []string
			for _, e := range c.Evaluators {
				names = append(names, e.Name)
				described = append(described, "- "+e.Name+": "+e.Description)
			}
			return plugin.Data{Values: map[string]any{
				"evaluators": lines(described), "evaluatorNames": strings.Join(names, ", "), "evaluatorExamples": "",
			}}, nil
		},
	}
}

const hintsGiven = 3

// Hints that keep answers short, by the kind of room.
var (
	hintsDirect = []string{
		"Say what matters first; stop when it is said.",
		"One question at a time is enough, and often none is needed.",
		"Do not repeat what was said a moment ago.",
		"If a short answer is complete, a short answer is right.",
		"Leave out apologies and introductions.",
	}
	hintsGroup = []string{
		"Several people read this: be brief.",
		"Speak when it adds something; a conversation among others needs no comment.",
		"Answer the person who asked, not everybody.",
		"One message is enough; leave room for others.",
		"Do not repeat what somebody else has said.",
		"When nobody speaks to you, silence is a good answer.",
	}
	hintsVoice = []string{
		"This is heard, not read: use short sentences.",
		"No lists, no code and no addresses in spoken words.",
		"Stop early; the other can ask for more.",
		"Numbers and names are easier to follow one at a time.",
	}
)

func anxiety() plugin.Provider {
	return plugin.Provider{
		Name: "ANXIETY", Description: "Hints to be brief",
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			list := hintsGroup
			switch {
			case strings.HasPrefix(c.Room.Type, "VOICE_"):
				list = hintsVoice
			case isDirect(c.Room.Type):
				list = hintsDirect
			}
			hints := lines(some(dice(c), list, hintsGiven))
			return plugin.Data{Text: strings.Join(sections("Keep in mind", hints), ""), Values: map[string]any{"anxiety": hints}}, nil
		},
	}
}
