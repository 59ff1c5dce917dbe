package bootstrap

import (
	"context"
	"fmt"
	"strings"

	"github.com/eliza-go/eliza/plugin"
)

func actions() plugin.Provider {
	return plugin.Provider{
		Name: "ACTIONS", Description: "What the agent can do", Position: -1,
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			var names, described, params []string
			for _, a := range c.Actions {
				names = append(names, a.Name)
				described = append(described, "- "+a.Name+": "+a.Description)
				if len(a.Params) > 0 {
					params = append(params, fmt.Sprintf("- %s: %s", a.Name, a.Params))
				}
			}
			list, withParams := lines(described), lines(params)
			text := strings.Join(sections("Actions you can take", list, "Parameters of actions, as JSON schema", withParams), "\n\n")
			return plugin.Data{Text: text, Values: map[string]any{
				"actionNames": strings.Join(names, ", "), "actionsWithDescriptions": list, "actionsWithParams": withParams, "actionExamples": "",
			}}, nil
		},
	}
}

func providers() plugin.Provider {
	return plugin.Provider{
		Name: "PROVIDERS", Description: "What else the agent can look up",
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			var out []string
			for _, p := range c.Providers {
				if p.Dynamic && !p.Private {
					out = append(out, "- "+p.Name+": "+p.Description)
				}
			}
			list := lines(out)
			return plugin.Data{
				Text:   strings.Join(sections("Providers you can ask for more", list), ""),
				Values: map[string]any{"providersWithDescriptions": list},
			}, nil
		},
	}
}

func now() plugin.Provider {
	return plugin.Provider{
		Name: "TIME", Description: "The current time",
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			t := c.Clock.Time().UTC().Format("Monday, 2 January 2006, 15:04:05 UTC")
			return plugin.Data{Text: "The time is " + t + ".", Values: map[string]any{"time": t}}, nil
		},
	}
}
