package bootstrap

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxBio      = 10
	maxTopics   = 5
	maxExamples = 5
	maxPosts    = 50
)

// dice are the random choices of one turn: always the same for the same message.
func dice(c *plugin.Call) *rand.Rand {
	h := fnv.New64a()
	if c.Memory != nil {
		_, _ = h.Write([]byte(c.Memory.ID))
	}
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// some returns at most n of a list, in random order.
func some[T any](d *rand.Rand, list []T, n int) []T {
	out := make([]T, 0, min(n, len(list)))
	for _, i := range d.Perm(len(list)) {
		if len(out) == n {
			break
		}
		out = append(out, list[i])
	}
	return out
}

func character() plugin.Provider {
	return plugin.Provider{
		Name: "CHARACTER", Description: "Who the agent is and how it writes",
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			ch, d := c.Runtime.Character(), dice(c)
			bio := strings.Join(some(d, ch.Bio.Lines, maxBio), "\n")
			if len(ch.Bio.Lines) <= maxBio {
				bio = strings.Join(ch.Bio.Lines, "\n") // all of it: in its own order
			}
			topic, adjective := pick(d, ch.Topics), pick(d, ch.Adjectives)
			topics := strings.Join(some(d, ch.Topics, maxTopics), ", ")
			chat := lines(append(append([]string{}, ch.Style.All...), ch.Style.Chat...))
			post := lines(append(append([]string{}, ch.Style.All...), ch.Style.Post...))
			examples := conversations(some(d, ch.MessageExamples, maxExamples), ch.Name)
			posts := lines(some(d, ch.PostExamples, maxPosts))
			directions, shown := chat, examples
			if isFeed(c.Room.Type) {
				directions, shown = post, posts
			}
			text := strings.Join(sections(
				"About "+ch.Name, bio,
				"", sentence(adjective != "", "%s is %s.", ch.Name, adjective),
				"", sentence(topic != "", "%s is thinking about %s.", ch.Name, topic),
				"", sentence(topics != "", "%s likes to talk about %s.", ch.Name, topics),
				"How "+ch.Name+" writes", directions,
				"Examples of what "+ch.Name+" writes", shown,
			), "\n\n")
			return plugin.Data{Text: text, Values: map[string]any{
				"agentName": ch.Name, "bio": bio, "system": ch.System, "topic": topic, "topics": topics, "adjective": adjective,
				"messageDirections": chat, "postDirections": post, "directions": directions, "examples": shown,
				"characterMessageExamples": examples, "characterPostExamples": posts,
			}}, nil
		},
	}
}

func isFeed(room string) bool { return room == "FEED" || room == "THREAD" }

func pick(d *rand.Rand, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[d.IntN(len(list))]
}

func lines(list []string) string { return strings.Join(list, "\n") }

func sentence(ok bool, format string, args ...any) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// sections are texts under their headings; empty ones are left out.
func sections(pairs ...string) []string {
	var out []string
	for i := 0; i+1 < len(pairs); i += 2 {
		switch heading, body := pairs[i], strings.TrimSpace(pairs[i+1]); {
		case body == "":
		case heading == "":
			out = append(out, body)
		default:
			out = append(out, "# "+heading+"\n"+body)
		}
	}
	return out
}

// conversations are examples as a script.
func conversations(examples [][]core.Example, agent string) string {
	var b strings.Builder
	for i, conv := range examples {
		if i > 0 {
			b.WriteByte('\n')
		}
		for _, line := range conv {
			name := line.Name
			if name == "" {
				name = agent
			}
			fmt.Fprintf(&b, "%s: %s", name, line.Content.Text)
			if len(line.Content.Actions) > 0 {
				fmt.Fprintf(&b, " (actions: %s)", strings.Join(line.Content.Actions, ", "))
			}
			b.WriteByte('\n')
		}
	}
	return strings.TrimSpace(b.String())
}
