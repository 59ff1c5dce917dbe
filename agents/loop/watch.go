package loop

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/internal/tracing"
	"github.com/eliza-go/eliza/runtime/core"
)

// seen is one thing being done, for who watches.
type seen struct {
	r     *Runtime
	span  tracing.Span
	what  core.Observation
	began time.Time
}

// see begins to watch. operation and what it is done with make the name of its span.
func (r *Runtime) see(ctx context.Context, kind, name, operation, with string, attrs ...attribute.KeyValue) (context.Context, *seen) {
	s := &seen{r: r, what: core.Observation{Kind: kind, Name: name}, began: time.Now()}
	if r.tracer != nil {
		attrs = append(attrs, attribute.String("gen_ai.operation.name", operation), attribute.String("gen_ai.agent.id", string(r.id)))
		ctx, s.span = r.tracer.Start(ctx, operation+" "+with, trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(attrs...))
	}
	return ctx, s
}

func (s *seen) end(err error) {
	s.span.End(err)
	if s.r.opts.Observe != nil {
		s.what.Took, s.what.Err = time.Since(s.began), err
		s.r.opts.Observe(s.what)
	}
}

// errPanicked ends what did not return.
var errPanicked = errors.New("panic")

// throughout watches the whole of a call.
func throughout[T any](s *seen, call func() (T, error)) (out T, err error) {
	failed := errPanicked
	defer func() { s.end(failed) }()
	out, err = call()
	failed = err
	return out, err
}

// see begins to watch a call of a model: of a type, by a plugin, of a name where it has one.
func (w watched) see(ctx context.Context, operation, kind, model string) (context.Context, *seen) {
	return w.r.see(ctx, core.ObservedModel, kind, operation, model,
		attribute.String("gen_ai.request.model", model), attribute.String("gen_ai.provider.name", w.from))
}

// watched is a model of an agent whose calls are watched.
type watched struct {
	r    *Runtime
	from string // plugin
}

// watch has all calls of models watched when somebody does.
func (r *Runtime) watch(m *models, from sources) {
	if r.tracer == nil && r.opts.Observe == nil {
		return
	}
	if m.Text != nil {
		m.Text = watchedText{m.Text, watched{r, from.text}}
	}
	if m.Embedder != nil {
		m.Embedder = watchedEmbedder{m.Embedder, watched{r, from.embedder}}
	}
	if m.Transcriber != nil {
		m.Transcriber = watchedTranscriber{m.Transcriber, watched{r, from.transcriber}}
	}
	if m.Speaker != nil {
		m.Speaker = watchedSpeaker{m.Speaker, watched{r, from.speaker}}
	}
	if m.Describer != nil {
		m.Describer = watchedDescriber{m.Describer, watched{r, from.describer}}
	}
	if m.Imager != nil {
		m.Imager = watchedImager{m.Imager, watched{r, from.imager}}
	}
}

// sources are the plugins the models are of.
type sources struct{ text, embedder, transcriber, speaker, describer, imager string }

type watchedText struct {
	core.TextModel
	watched
}

// Generate implements [core.TextModel].
func (w watchedText) Generate(ctx context.Context, req core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		ctx, s := w.see(ctx, "chat", req.Type, req.Type)
		finish, last, failed := "", error(nil), errPanicked
		defer func() {
			s.usage(req, finish)
			s.end(failed)
		}()
		for d, err := range w.TextModel.Generate(ctx, req) {
			if d.Usage != nil {
				s.what.Usage = d.Usage
			}
			if d.FinishReason != "" {
				finish = d.FinishReason
			}
			last = err
			if !yield(d, err) {
				failed = cmp.Or(err, ctx.Err())
				return
			}
		}
		failed = last
	}
}

// usage tells the span of what a text model was asked and has used.
func (s *seen) usage(req core.TextRequest, finish string) {
	if s.r.tracer == nil {
		return
	}
	attrs := []attribute.KeyValue{attribute.String("eliza.model.purpose", req.Purpose)}
	if req.MaxTokens > 0 {
		attrs = append(attrs, attribute.Int("gen_ai.request.max_tokens", req.MaxTokens))
	}
	if req.Temperature != nil {
		attrs = append(attrs, attribute.Float64("gen_ai.request.temperature", *req.Temperature))
	}
	if finish != "" {
		attrs = append(attrs, attribute.StringSlice("gen_ai.response.finish_reasons", []string{finish}))
	}
	if u := s.what.Usage; u != nil {
		attrs = append(attrs, attribute.Int("gen_ai.usage.input_tokens", u.PromptTokens), attribute.Int("gen_ai.usage.output_tokens", u.CompletionTokens))
	}
	s.span.Set(attrs...)
}

type watchedEmbedder struct {
	core.Embedder
	watched
}

// Embed implements [core.Embedder].
func (w watchedEmbedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	ctx, s := w.see(ctx, "embeddings", core.TypeEmbedding, w.Name())
	s.span.Set(attribute.Int("eliza.model.inputs", len(texts)))
	return throughout(s, func() ([][]float32, error) { return w.Embedder.Embed(ctx, texts) })
}

type watchedTranscriber struct {
	core.Transcriber
	watched
}

// Transcribe implements [core.Transcriber].
func (w watchedTranscriber) Transcribe(ctx context.Context, audio io.Reader, name, language string) (string, error) {
	ctx, s := w.see(ctx, "transcription", core.TypeTranscription, core.TypeTranscription)
	return throughout(s, func() (string, error) { return w.Transcriber.Transcribe(ctx, audio, name, language) })
}

type watchedSpeaker struct {
	core.Speaker
	watched
}

// Speak implements [core.Speaker]. A call lasts until its reader is closed.
func (w watchedSpeaker) Speak(ctx context.Context, text, voice string) (io.ReadCloser, error) {
	ctx, s := w.see(ctx, "speech", core.TypeSpeech, core.TypeSpeech)
	failed := errPanicked
	defer func() {
		if failed != nil {
			s.end(failed)
		}
	}()
	speech, err := w.Speaker.Speak(ctx, text, voice)
	if failed = err; err != nil {
		return nil, err
	}
	return &watchedSpeech{ReadCloser: speech, s: s}, nil
}

type watchedSpeech struct {
	io.ReadCloser
	s      *seen
	failed error
	once   sync.Once
}

func (w *watchedSpeech) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.failed = err
	}
	return n, err
}

func (w *watchedSpeech) Close() error {
	err := w.ReadCloser.Close()
	w.once.Do(func() { w.s.end(w.failed) })
	return err
}

type watchedDescriber struct {
	core.Describer
	watched
}

// Describe implements [core.Describer].
func (w watchedDescriber) Describe(ctx context.Context, url, prompt string) (title, description string, err error) {
	ctx, s := w.see(ctx, "describe_image", core.TypeDescription, core.TypeDescription)
	title, err = throughout(s, func() (text string, err error) {
		text, description, err = w.Describer.Describe(ctx, url, prompt)
		return text, err
	})
	return title, description, err
}

type watchedImager struct {
	core.Imager
	watched
}

// Image implements [core.Imager].
func (w watchedImager) Image(ctx context.Context, prompt, size string, count int) ([]string, error) {
	ctx, s := w.see(ctx, "generate_image", core.TypeImage, core.TypeImage)
	return throughout(s, func() ([]string, error) { return w.Imager.Image(ctx, prompt, size, count) })
}
