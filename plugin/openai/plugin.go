package openai

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Defaults of [Options].
const (
	DefaultBaseURL    = "https://api.openai.com/v1"
	DefaultSmallModel = "gpt-4o-mini"
	DefaultLargeModel = "gpt-4o"

	DefaultTranscriptionModel = "gpt-4o-mini-transcribe" // at DefaultBaseURL only
	DefaultSpeechModel        = "gpt-4o-mini-tts"        // at DefaultBaseURL only
	DefaultVoice              = "alloy"
	DefaultImageModel         = "gpt-image-1" // at DefaultBaseURL only
	DefaultDescriberModel     = "gpt-4o-mini" // at DefaultBaseURL only

	defaultConcurrent = 32
	defaultRetries    = 4
	defaultFirst      = 5 * time.Minute
	defaultIdle       = time.Minute

	maxProviders = 10_000 // remembered at one time
)

// Options are the host's defaults and limits. The zero value is ready to use.
type Options struct {
	APIKey              string // sent only to BaseURL
	BaseURL             string // DefaultBaseURL when ""
	SmallModel          string // DefaultSmallModel when ""
	LargeModel          string // DefaultLargeModel when ""
	EmbeddingModel      string // no embeddings when "" and no setting names one
	EmbeddingDimensions int    // the model's own when 0
	TranscriptionModel  string // when "" and no setting names one: DefaultTranscriptionModel at OpenAI itself, elsewhere none
	SpeechModel         string // likewise: DefaultSpeechModel
	Voice               string // DefaultVoice when ""
	ImageModel          string // likewise: DefaultImageModel
	ImageSize           string // such as 1024x1024; the model's own when "" and no setting names one
	DescriberModel      string // likewise, of images: DefaultDescriberModel

	Priority int // of the plugin, against other plugins with models

	// Client makes the requests; it must not have a Timeout shorter than an answer may take. When nil, a
	// client of this plugin's own with limits on connecting, which follows no redirects.
	Client *http.Client

	MaxConcurrent int           // requests at one time for each address and key; 32 when 0
	MaxRetries    int           // repetitions of a failed request; 4 when 0, none when negative
	FirstTimeout  time.Duration // from the request to the first byte of its answer; 5 minutes when 0
	IdleTimeout   time.Duration // between two pieces of an answer; 60 seconds when 0
}

func (o *Options) setDefaults() {
	if o.Client == nil {
		o.Client = newClient()
	}
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = defaultConcurrent
	}
	if o.MaxRetries == 0 {
		o.MaxRetries = defaultRetries
	}
	if o.FirstTimeout <= 0 {
		o.FirstTimeout = defaultFirst
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = defaultIdle
	}
}

// Plugin offers text models, and embeddings, transcription, speech, images and their description when a model
// for them is named. Agents of one Plugin that use the same address and key share one limit of concurrent requests.
func Plugin(opts Options) plugin.Plugin {
	opts.setDefaults()
	b := &backend{opts: opts, providers: map[endpoint]*provider{}}
	return plugin.Plugin{
		Name:        "openai",
		Description: "Models of any endpoint compatible with OpenAI's",
		Priority:    opts.Priority,
		Settings:    settingNames(),
		Models:      b.models,
	}
}

// backend is what all agents of one Plugin share.
type backend struct {
	opts Options

	mu        sync.Mutex
	providers map[endpoint]*provider
}

// models refuses settings that cannot work, so that a mistake shows when an agent starts.
func (b *backend) models(rt core.Runtime) (core.Models, error) {
	s := settings{rt, &b.opts}
	if err := s.check(); err != nil {
		return core.Models{}, err
	}
	ep, ok, err := s.endpoint()
	if err != nil || !ok {
		return core.Models{}, err
	}
	m := core.Models{Text: &textModel{backend: b, settings: s}}
	if name := s.embeddingModel(); name != "" {
		dim, err := s.dimensions(name)
		if err != nil {
			return core.Models{}, err
		}
		m.Embedder = &embedder{backend: b, settings: s, model: name, dim: dim}
	}
	if s.transcriptionModel(ep) != "" {
		m.Transcriber = &transcriber{backend: b, settings: s}
	}
	if s.speechModel(ep) != "" {
		m.Speaker = &speaker{backend: b, settings: s}
	}
	if s.imageModel(ep) != "" {
		m.Imager = &imager{backend: b, settings: s}
	}
	if s.describerModel(ep) != "" {
		m.Describer = &describer{backend: b, settings: s}
	}
	return m, nil
}

// provider finds where a call goes now.
func (b *backend) provider(s settings) (*provider, error) {
	ep, ok, err := s.endpoint()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &core.Error{Code: core.CodeModel, Message: "No model provider is configured"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.providers[ep]
	if p == nil {
		if len(b.providers) >= maxProviders {
			clear(b.providers) // calls under way keep theirs
		}
		p = newProvider(ep, &b.opts)
		b.providers[ep] = p
	}
	return p, nil
}

func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           128,
			MaxIdleConnsPerHost:    32,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
