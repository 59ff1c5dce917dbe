package prom

import (
	"strconv"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

func (m *metrics) request(method string) (done func(route string, status int)) {
	began := time.Now()
	m.requesting.Inc()
	return func(route string, status int) {
		m.requesting.Dec()
		m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
		m.durations.WithLabelValues(method, route).Observe(time.Since(began).Seconds())
	}
}

func (m *metrics) event(name string, _ time.Duration, err error) {
	m.events.WithLabelValues(name, outcome(err)).Inc()
}

func (m *metrics) limit(name string) { m.limited.WithLabelValues(name).Inc() }

func (m *metrics) wrote(writes int, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.writes.Add(float64(writes))
}

func (m *metrics) accept(byAgent bool) {
	author := "user"
	if byAgent {
		author = "agent"
	}
	m.accepted.WithLabelValues(author).Inc()
}

func (m *metrics) turn() (done func(status string)) {
	began := time.Now()
	m.turning.Inc()
	return func(status string) {
		m.turning.Dec()
		m.turns.WithLabelValues(status).Observe(time.Since(began).Seconds())
	}
}

func (m *metrics) did(o core.Observation) {
	out := outcome(o.Err)
	switch o.Kind {
	case core.ObservedAction:
		m.actions.WithLabelValues(o.Name, out).Inc()
	case core.ObservedEvaluator:
		m.evaluators.WithLabelValues(o.Name, out).Inc()
	case core.ObservedModel:
		kind := modelType(o.Name)
		m.calls.WithLabelValues(kind, out).Inc()
		m.calling.WithLabelValues(kind).Observe(o.Took.Seconds())
		if u := o.Usage; u != nil {
			m.tokens.WithLabelValues(kind, "input").Add(float64(max(0, u.PromptTokens)))
			m.tokens.WithLabelValues(kind, "output").Add(float64(max(0, u.CompletionTokens)))
		}
	}
}

// modelType is a type of models, or other: plugins may ask for types of their own.
func modelType(name string) string {
	switch name {
	case core.TextSmall, core.TextLarge, core.TypeEmbedding, core.TypeTranscription, core.TypeSpeech, core.TypeDescription, core.TypeImage:
		return name
	}
	return "other"
}
