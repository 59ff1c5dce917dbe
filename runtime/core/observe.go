package core

import "time"

// Kinds of what agents do.
const (
	ObservedModel     = "model"
	ObservedAction    = "action"
	ObservedEvaluator = "evaluator"
)

// Types of models besides those of text, as they are observed.
const (
	TypeEmbedding     = "TEXT_EMBEDDING"
	TypeTranscription = "TRANSCRIPTION"
	TypeSpeech        = "TEXT_TO_SPEECH"
	TypeDescription   = "IMAGE_DESCRIPTION"
	TypeImage         = "IMAGE"
)

// Observation is something an agent did: one call of a model, an action or an evaluator.
type Observation struct {
	Kind  string // one of the above
	Name  string // of the action or evaluator; the type of a model
	Took  time.Duration
	Usage *Usage // of tokens; nil when it is not known
	Err   error
}
