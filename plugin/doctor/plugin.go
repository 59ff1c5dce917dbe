package doctor

import (
	"math"
	"time"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Options tunes the plugin. The zero value is ready to use.
type Options struct {
	Seed   uint64        // shifts which reply each rule begins with; the same seed gives the same answers
	Delay  time.Duration // pause before each delta, for a typing effect; default none
	Script *Script       // what it speaks from; default [DefaultScript]
}

// Plugin gives every agent a text model and an embedder that need nothing but this process. Its priority is
// the lowest there is, so any other plugin's models win.
func Plugin(opts Options) plugin.Plugin {
	models := core.Models{Text: NewModel(opts), Embedder: NewEmbedder()}
	return plugin.Plugin{
		Name:        "doctor",
		Description: "Offline conversation after the ELIZA program of 1966, and offline embeddings",
		Priority:    math.MinInt,
		Models:      func(core.Runtime) (core.Models, error) { return models, nil },
	}
}
