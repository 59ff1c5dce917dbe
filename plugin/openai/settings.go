package openai

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Names of settings.
const (
	keyAPIKey     = "OPENAI_API_KEY"
	keyBaseURL    = "OPENAI_BASE_URL"
	keySmall      = "OPENAI_SMALL_MODEL"
	keyLarge      = "OPENAI_LARGE_MODEL"
	keyEmbedding  = "OPENAI_EMBEDDING_MODEL"
	keyDimensions = "OPENAI_EMBEDDING_DIMENSIONS"
	keyTranscribe = "OPENAI_TRANSCRIPTION_MODEL"
	keySpeak      = "OPENAI_TTS_MODEL"
	keyVoice      = "OPENAI_TTS_VOICE"
	keyImage      = "OPENAI_IMAGE_MODEL"
	keyImageSize  = "OPENAI_IMAGE_SIZE"
	keyDescribe   = "OPENAI_IMAGE_DESCRIPTION_MODEL"

	keyAnyDimension = "EMBEDDING_DIMENSION"
)

// param is a parameter of a text request: its name in settings, on the wire, and its old setting, if any.
type param struct {
	setting, wire, legacy string
	whole                 bool
}

var params = [...]param{
	{"MAX_TOKENS", "max_tokens", "MODEL_MAX_TOKEN", true},
	{"TEMPERATURE", "temperature", "MODEL_TEMPERATURE", false},
	{"TOP_P", "top_p", "", false},
	{"TOP_K", "top_k", "", true},
	{"MIN_P", "min_p", "", false},
	{"SEED", "seed", "", true},
	{"REPETITION_PENALTY", "repetition_penalty", "", false},
	{"FREQUENCY_PENALTY", "frequency_penalty", "MODEL_FREQ_PENALTY", false},
	{"PRESENCE_PENALTY", "presence_penalty", "MODEL_PRESENCE_PENALTY", false},
}

// names lists the settings of a parameter for a type of text, the first one counts.
func (p param) names(textType string) []string {
	n := []string{textType + "_" + p.setting, "DEFAULT_" + p.setting}
	if p.legacy != "" {
		n = append(n, p.legacy)
	}
	return n
}

func settingNames() []string {
	names := []string{keyAPIKey, keyBaseURL, keySmall, "SMALL_MODEL", keyLarge, "LARGE_MODEL", keyEmbedding, keyDimensions, keyAnyDimension, keyTranscribe, keySpeak, keyVoice, keyImage, keyImageSize, keyDescribe}
	for _, p := range params {
		names = append(names, core.TextSmall+"_"+p.setting)
		names = append(names, p.names(core.TextLarge)...)
	}
	return names
}

// settings are what an agent and its host want.
type settings struct {
	rt   core.Runtime
	opts *Options
}

// get returns the first of the named settings that is not empty.
func (s settings) get(names ...string) string {
	for _, name := range names {
		if v, ok := s.rt.Setting(name); ok {
			if v = strings.TrimSpace(v); v != "" {
				return v
			}
		}
	}
	return ""
}

// endpoint is where requests go and as whom: the key of a limit.
type endpoint struct {
	baseURL string // without a slash at its end
	key     string
}

// endpoint tells where this agent's requests go; ok is false when nobody configured it.
func (s settings) endpoint() (ep endpoint, ok bool, err error) {
	own, host := s.get(keyBaseURL), strings.TrimSpace(s.opts.BaseURL)
	key := s.get(keyAPIKey)
	if own == "" && host == "" && key == "" && s.opts.APIKey == "" {
		return endpoint{}, false, nil
	}
	if host == "" {
		host = DefaultBaseURL
	}
	base := host
	if own != "" {
		base = own
	}
	if key == "" && strings.TrimRight(base, "/") == strings.TrimRight(host, "/") {
		key = strings.TrimSpace(s.opts.APIKey)
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return endpoint{}, false, errors.New("openai: " + keyBaseURL + " must be an http or https address")
	}
	return endpoint{strings.TrimRight(base, "/"), key}, true, nil
}

func (s settings) textModel(textType string) string {
	names, host, def := []string{keyLarge, "LARGE_MODEL"}, s.opts.LargeModel, DefaultLargeModel
	if strings.HasSuffix(textType, "_SMALL") {
		names, host, def = []string{keySmall, "SMALL_MODEL"}, s.opts.SmallModel, DefaultSmallModel
	}
	return first(s.get(names...), host, def)
}

func (s settings) embeddingModel() string { return first(s.get(keyEmbedding), s.opts.EmbeddingModel) }

func (s settings) transcriptionModel(ep endpoint) string {
	return first(s.get(keyTranscribe), s.opts.TranscriptionModel, ep.official(DefaultTranscriptionModel))
}

func (s settings) speechModel(ep endpoint) string {
	return first(s.get(keySpeak), s.opts.SpeechModel, ep.official(DefaultSpeechModel))
}

func (s settings) imageModel(ep endpoint) string {
	return first(s.get(keyImage), s.opts.ImageModel, ep.official(DefaultImageModel))
}

func (s settings) describerModel(ep endpoint) string {
	return first(s.get(keyDescribe), s.opts.DescriberModel, ep.official(DefaultDescriberModel))
}

// official is a model OpenAI itself has, "" for another endpoint: nobody knows what that one offers.
func (ep endpoint) official(model string) string {
	if ep.baseURL != DefaultBaseURL || ep.key == "" {
		return ""
	}
	return model
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// parse reads a number as it is sent: whole numbers as int64.
func (p param) parse(v string) (any, bool) {
	if p.whole {
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	f, err := strconv.ParseFloat(v, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// param finds a parameter's value among the settings, nil when there is none.
func (s settings) param(p param, textType string) any {
	for _, name := range p.names(textType) {
		if v := s.get(name); v != "" {
			if n, ok := p.parse(v); ok {
				return n
			}
		}
	}
	return nil
}

// check names every setting that is not a number but should be.
func (s settings) check() error {
	var errs []error
	for _, p := range params {
		for _, name := range append([]string{core.TextSmall + "_" + p.setting}, p.names(core.TextLarge)...) {
			if v := s.get(name); v != "" {
				if _, ok := p.parse(v); !ok {
					errs = append(errs, fmt.Errorf("openai: setting %s is not a number it can be", name))
				}
			}
		}
	}
	return errors.Join(errs...)
}
