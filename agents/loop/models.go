package loop

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 1 << 20

// models is what the plugins of an agent offer, merged.
type models struct {
	core.Models
	textFrom string                 // plugin the text model is of
	from     map[string]core.Models // what each plugin gave
}

// mergeModels asks all plugins. Per kind of model the plugin with the highest priority wins, then the first.
func (r *Runtime) mergeModels() *models {
	before := r.models.Load()
	out := &models{from: map[string]core.Models{}}
	priority := map[*bool]int{}
	var of sources
	var text, embedder, transcriber, speaker, describer, imager bool
	better := func(seen *bool, p *plugin.Plugin) bool {
		if *seen && p.Priority <= priority[seen] {
			return false
		}
		*seen, priority[seen] = true, p.Priority
		return true
	}
	for i := range r.plugins {
		p := &r.plugins[i]
		if p.Models == nil {
			continue
		}
		var m core.Models
		err := r.guarded(place{p.Name, "models", p.Name}, func() (err error) {
			m, err = p.Models(r)
			return err
		})
		if err != nil {
			r.log.Warn("plugin gives no models", "plugin", p.Name, "err", err)
			m = before.from[p.Name]
		}
		out.from[p.Name] = m
		if m.Text != nil && better(&text, p) {
			out.Text, out.textFrom, of.text = m.Text, p.Name, p.Name
		}
		if m.Embedder != nil && better(&embedder, p) {
			out.Embedder, of.embedder = m.Embedder, p.Name
		}
		if m.Transcriber != nil && better(&transcriber, p) {
			out.Transcriber, of.transcriber = m.Transcriber, p.Name
		}
		if m.Speaker != nil && better(&speaker, p) {
			out.Speaker, of.speaker = m.Speaker, p.Name
		}
		if m.Describer != nil && better(&describer, p) {
			out.Describer, of.describer = m.Describer, p.Name
		}
		if m.Imager != nil && better(&imager, p) {
			out.Imager, of.imager = m.Imager, p.Name
		}
	}
	if out.Imager != nil && r.opts.Files != nil {
		out.Imager = keeper{out.Imager, r.opts.Files, r.id}
	}
	r.watch(out, of)
	return out
}

// parameters fills in what the agent's settings say of a request.
func (r *Runtime) parameters(req *core.TextRequest) {
	if req.MaxTokens == 0 {
		n, err := strconv.Atoi(r.setting(req.Type+"_MAX_TOKENS", "DEFAULT_MAX_TOKENS", "MODEL_MAX_TOKEN"))
		if err == nil && n > 0 {
			req.MaxTokens = n
		}
	}
	if req.Temperature == nil {
		t, err := strconv.ParseFloat(r.setting(req.Type+"_TEMPERATURE", "DEFAULT_TEMPERATURE", "MODEL_TEMPERATURE"), 64)
		if err == nil && t >= 0 {
			req.Temperature = &t
		}
	}
}

// completion is a whole answer of a text model.
type completion struct {
	text   string
	finish string
	usage  *core.Usage
	from   string // plugin
	took   time.Duration
}

// complete asks the text model. each, if set, gets the answer's pieces as they come, in this goroutine;
// tick is called when its channel fires. It comes back when ctx ends, whatever the model does.
func (r *Runtime) complete(ctx context.Context, req core.TextRequest, s *stream) (completion, error) {
	m := r.models.Load()
	c := completion{from: m.textFrom}
	if m.Text == nil {
		return c, &core.Error{Code: core.CodeModel, Message: "The agent has no text model"}
	}
	r.parameters(&req)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces, end := make(chan core.TextDelta), make(chan error, 1)
	r.work.Go(func() {
		end <- r.guarded(place{m.textFrom, "model", req.Type}, func() error {
			for d, err := range m.Text.Generate(ctx, req) {
				if err != nil {
					return err
				}
				select {
				case pieces <- d:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		})
	})
	begin := time.Now()
	err := c.read(ctx, pieces, end, s)
	c.took = time.Since(begin)
	if err != nil && ctx.Err() == nil && core.CodeOf(err) == core.CodeInternal {
		err = &core.Error{Code: core.CodeModel, Message: "The model failed", Err: err}
	}
	return c, err
}

func (c *completion) read(ctx context.Context, pieces <-chan core.TextDelta, end <-chan error, s *stream) error {
	var (
		text  strings.Builder
		valid utf8Reader
	)
	take := func(piece string, last bool) {
		piece = valid.next(piece, last)
		text.WriteString(piece)
		s.feed(piece)
	}
	defer func() { c.text = text.String() }()
	for {
		select {
		case d := <-pieces:
			if d.Usage != nil {
				c.usage = d.Usage
			}
			if d.FinishReason != "" {
				c.finish = d.FinishReason
			}
			take(d.Text, false)
			if text.Len() > maxAnswer {
				c.finish = "length"
				s.end()
				return nil
			}
		case err := <-end:
			if err != nil {
				s.flush()
				return because(ctx, err)
			}
			take("", true)
			s.end()
			return nil
		case <-s.due():
			s.flush()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stream shows the text for the user while an answer comes. A nil stream shows nothing.
type stream struct {
	extract *extractor
	pace    *pacer
}

func (s *stream) feed(piece string) {
	if s != nil {
		s.pace.add(s.extract.feed(piece))
	}
}

func (s *stream) end() {
	if s != nil {
		s.pace.add(s.extract.end())
		s.pace.due()
	}
}

func (s *stream) flush() {
	if s != nil {
		s.pace.due()
	}
}

func (s *stream) due() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.pace.C
}
