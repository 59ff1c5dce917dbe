package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxLine      = 8 << 10   // bytes of one earlier message
	maxWhole     = 64 << 10  // of the one that is answered
	hideAfter    = time.Hour // texts of attachments older than this, seen from the latest one
	maxFileBytes = 33 << 10  // of an attachment's text
	maxRuns      = 3         // whose actions' results are shown
	maxElsewhere = 20        // messages of other rooms
)

func recentMessages() plugin.Provider {
	return plugin.Provider{
		Name: "RECENT_MESSAGES", Description: "What was said, and what is to be answered", Position: 100,
		Get: func(ctx context.Context, c *plugin.Call) (plugin.Data, error) {
			now, names := c.Clock.Time(), namesOf(c)
			elsewhere, err := interactions(ctx, c, now)
			if err != nil {
				return plugin.Data{}, err
			}
			var talk []string
			for i := range c.Recent {
				m := &c.Recent[i]
				if m.Metadata["type"] != actionResult && (m.Content.Text != "" || len(m.Content.Attachments) > 0) {
					talk = append(talk, line(m, names, now))
				}
			}
			recent, last := strings.Join(talk, "\n"), ""
			if c.Memory != nil {
				last = fmt.Sprintf("%s: %s", nameOf(c.Memory, names), clip(c.Memory.Content.Text, maxWhole))
			}
			heading := "Conversation, oldest first"
			values := map[string]any{
				"recentMessages": recent, "recentMessage": last, "recentActionResults": lines(lastResults(c.Recent)),
				"recentPosts": "", "recentInteractions": elsewhere,
			}
			if isFeed(c.Room.Type) {
				heading, values["recentPosts"] = "Posts, oldest first", recent
			}
			text := strings.Join(sections(heading, recent, "Message to answer now", last), "\n\n")
			return plugin.Data{Text: text, Values: values}, nil
		},
	}
}

// actionResult is the type of memories that tell what an action did.
const actionResult = "action_result"

// lastResults are the results of actions of the last runs that had any, oldest first.
func lastResults(recent []core.Memory) []string {
	var out []string
	runs := map[string]bool{}
	for i := len(recent) - 1; i >= 0; i-- {
		m := &recent[i]
		if m.Metadata["type"] != actionResult {
			continue
		}
		if run := text(m.Content.Extra["runId"]); !runs[run] {
			if len(runs) == maxRuns {
				break
			}
			runs[run] = true
		}
		out = append(out, m.Content.Text)
	}
	slices.Reverse(out)
	return out
}

// interactions are the last words of who speaks in other rooms the agent is in. They are read for characters
// alone that have a template which shows them: what is said elsewhere is not everybody's to read.
func interactions(ctx context.Context, c *plugin.Call, now time.Time) (string, error) {
	memories := c.Runtime.Memories()
	shown := false
	for _, t := range c.Runtime.Character().Templates {
		shown = shown || strings.Contains(t, "recentInteractions")
	}
	if !shown || memories == nil || c.Memory == nil {
		return "", nil
	}
	list, err := memories.List(ctx, core.MemoryQuery{Table: core.TableMessages, EntityID: c.Memory.EntityID, Limit: maxElsewhere + usualHistory})
	if err != nil {
		return "", fmt.Errorf("bootstrap: read what was said elsewhere: %w", err)
	}
	names := namesOf(c)
	var out []string
	for i := range list {
		if m := &list[i]; m.RoomID != c.Room.ID && m.Content.Text != "" && len(out) < maxElsewhere {
			out = append(out, line(m, names, now))
		}
	}
	slices.Reverse(out)
	return lines(out), nil
}

// line is a message in a prompt.
func line(m *core.Memory, names map[core.UUID]string, now time.Time) string {
	var b strings.Builder
	at := m.CreatedAt.Time()
	add := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	add(at.Format("15:04"), " (", ago(now.Sub(at)), ") [", string(m.EntityID), "] ", nameOf(m, names), ": ", clip(m.Content.Text, maxLine))
	if m.Content.Thought != "" {
		add("\n  (thought: ", clip(m.Content.Thought, maxLine), ")")
	}
	if len(m.Content.Actions) > 0 {
		add("\n  (actions: ", strings.Join(m.Content.Actions, ", "), ")")
	}
	for _, a := range m.Content.Attachments {
		add("\n  (attachment: ", strings.Join(nonEmpty(a.ID, a.Title, a.ContentType, clip(a.Description, maxLine)), " - "), ")")
	}
	return b.String()
}

// ago is how long something is past, in words.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, unit)
}

// namesOf are the names of all who are known here.
func namesOf(c *plugin.Call) map[core.UUID]string {
	out := make(map[core.UUID]string, len(c.People)+1)
	for _, e := range c.People {
		if len(e.Names) > 0 {
			out[e.ID] = e.Names[0]
		}
	}
	out[c.Runtime.AgentID()] = c.Runtime.Character().Name
	return out
}

func nameOf(m *core.Memory, names map[core.UUID]string) string {
	if n := names[m.EntityID]; n != "" {
		return n
	}
	if raw, ok := m.Metadata["raw"].(map[string]any); ok && text(raw["senderName"]) != "" {
		return text(raw["senderName"])
	}
	return "somebody"
}

func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// clip returns at most n bytes of s, never part of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + " [cut]"
}

func entities() plugin.Provider {
	return plugin.Provider{
		Name: "ENTITIES", Description: "The people in this room", Dynamic: true,
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			var out []string
			for _, e := range c.People {
				s := fmt.Sprintf("%s [%s]", strings.Join(e.Names, " / "), e.ID)
				if e.ID == c.Runtime.AgentID() {
					s = fmt.Sprintf("%s [%s], that is you", c.Runtime.Character().Name, e.ID)
				}
				out = append(out, s)
			}
			people := strings.Join(out, "\n")
			return plugin.Data{Text: strings.Join(sections("People here", people), ""), Values: map[string]any{"entities": people}}, nil
		},
	}
}

func attachments() plugin.Provider {
	return plugin.Provider{
		Name: "ATTACHMENTS", Description: "What the files, images and links of the conversation contain", Dynamic: true,
		Get: func(_ context.Context, c *plugin.Call) (plugin.Data, error) {
			var latest core.Millis
			for i := range c.Recent {
				if len(c.Recent[i].Content.Attachments) > 0 {
					latest = max(latest, c.Recent[i].CreatedAt)
				}
			}
			var out []string
			for i := range c.Recent {
				m := &c.Recent[i]
				for _, a := range m.Content.Attachments {
					body := clip(a.Text, maxFileBytes)
					if latest.Time().Sub(m.CreatedAt.Time()) > hideAfter {
						body = "[no longer shown]"
					}
					out = append(out, strings.Join(nonEmpty(
						field("ID", a.ID), field("Name", a.Title), field("Type", a.ContentType), field("URL", shortURL(a.URL)),
						field("Description", a.Description), field("Text", body),
					), "\n"))
				}
			}
			all := strings.Join(out, "\n\n")
			return plugin.Data{Text: strings.Join(sections("Attachments", all), ""), Values: map[string]any{"attachments": all}}, nil
		},
	}
}

func field(name, value string) string {
	if value == "" {
		return ""
	}
	return name + ": " + value
}

// shortURL keeps the content of a file out of a prompt.
func shortURL(url string) string {
	if strings.HasPrefix(url, "data:") {
		return "data:…"
	}
	return url
}
