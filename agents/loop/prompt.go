package loop

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxPast    = 8 << 10  // bytes of an earlier message in a request
	maxPresent = 64 << 10 // of the one that is answered
	nameSlots  = 10       // {{name1}} … {{name10}}
)

// firstNames stand for people in example conversations.
var firstNames = [...]string{
	"Alma", "Bruno", "Carla", "Dario", "Edda", "Felix", "Greta", "Henri", "Ines", "Jonas", "Kira", "Leo",
	"Mila", "Nils", "Olga", "Pavel", "Rosa", "Stefan", "Tara", "Ugo", "Vera", "Wanda", "Yara", "Zeno",
}

// render makes a prompt of a template: the character's own of this name, else ours, else text.
func (u *turn) render(s *plugin.State, name, text string) string {
	if own := u.char.Templates[name]; own != "" {
		text = own
	} else if known := defaultText(name); known != "" {
		text = known
	}
	return u.fillNames(u.r.templates.render(text, s.Values))
}

// fillNames puts names in the places that example conversations keep for them, the same in one turn.
func (u *turn) fillNames(s string) string {
	if !strings.Contains(s, "{{name") {
		return s
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(u.memory.ID))
	seed := int(h.Sum32() % uint32(len(firstNames)))
	pairs := make([]string, 0, 2*nameSlots)
	for i := range nameSlots {
		pairs = append(pairs, fmt.Sprintf("{{name%d}}", i+1), firstNames[(seed+5*i)%len(firstNames)])
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// system is who the agent is, for the model.
func (u *turn) system() string {
	if u.char.System != "" {
		return u.fillNames(u.r.templates.render(u.char.System, map[string]any{"agentName": u.char.Name, "name": u.char.Name}))
	}
	s := "You are " + u.char.Name + "."
	if bio := u.char.Bio.First(); bio != "" {
		s += " " + bio
	}
	return s
}

// messages is the conversation in structure, oldest first, the one to be answered last.
func (u *turn) messages() []core.ChatMessage {
	u.mu.Lock()
	recent := u.recent
	u.mu.Unlock()
	names := make(map[core.UUID]string, len(u.people))
	for _, e := range u.people {
		if len(e.Names) > 0 {
			names[e.ID] = e.Names[0]
		}
	}
	out := make([]core.ChatMessage, 0, len(recent))
	for i := range recent {
		m := &recent[i]
		text := m.Content.Text
		for _, a := range m.Content.Attachments {
			text += attachmentLine(a)
		}
		if text = strings.TrimSpace(text); text == "" || m.Metadata["type"] == actionResult {
			continue
		}
		limit := maxPast
		if m.ID == u.memory.ID {
			limit = maxPresent
		}
		msg := core.ChatMessage{Role: "user", Name: senderName(m, names), Text: clip(text, limit)}
		if m.EntityID == u.r.id {
			msg.Role, msg.Name = "assistant", u.char.Name
		}
		out = append(out, msg)
	}
	return out
}

func attachmentLine(a core.Media) string {
	what := a.Title
	if what == "" {
		what = a.ContentType
	}
	line := "\n[attachment: " + what
	if a.Description != "" {
		line += ": " + a.Description
	}
	return line + "]"
}

func senderName(m *core.Memory, names map[core.UUID]string) string {
	if raw, ok := m.Metadata["raw"].(map[string]any); ok {
		if s, _ := raw["senderName"].(string); s != "" {
			return s
		}
	}
	return names[m.EntityID]
}

// ask calls the text model and notes that it did.
func (u *turn) ask(ctx context.Context, req core.TextRequest, s *stream, during string) (completion, error) {
	req.AgentName, req.User = u.char.Name, u.char.Name
	if req.System == "" {
		req.System = u.system()
	}
	c, err := u.r.complete(ctx, req, s)
	u.model(ctx, req, c, err, during)
	return c, err
}
