package audio

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger  *slog.Logger // slog.Default() when nil
	MaxBody int64        // of a JSON body, 2 MiB when 0
	TempDir string       // for recordings that come in; the system's own when ""
	// File runs before every route, Upload after it where a request carries a file: room for limits of rate.
	File   []echo.MiddlewareFunc
	Upload []echo.MiddlewareFunc
}

// Handler serves the audio routes.
type Handler struct {
	svc  Service
	opts HandlerOptions
}

// NewHandler returns a Handler over svc.
func NewHandler(svc Service, opts HandlerOptions) *Handler {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = httpapi.DefaultMaxBody
	}
	return &Handler{svc: svc, opts: opts}
}

// Routes registers the routes on g, whose prefix the caller chooses (the contract's is /api/audio). It brings
// no authentication.
func (h *Handler) Routes(g *echo.Group) {
	texts := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})
	texts.POST("/:agentId/speech/generate", h.reading(h.generate))
	texts.POST("/:agentId/audio-messages/synthesize", h.reading(h.synthesize))

	files := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: maxUpload})
	byVoice, byText := h.uploading(h.converseByVoice), h.reading(h.converseByText)
	files.POST("/:agentId/transcriptions", h.uploading(h.transcribe))
	files.POST("/:agentId/audio-messages", h.uploading(h.hear))
	files.POST("/:agentId/speech", byVoice)
	files.POST("/:agentId/speech/conversation", func(c echo.Context) error {
		if httpapi.IsForm(c.Request()) {
			return byVoice(c)
		}
		if req := c.Request(); req.Body != nil {
			req.Body = http.MaxBytesReader(c.Response(), req.Body, h.opts.MaxBody)
		}
		return byText(c)
	})
}

// uploading is a route that takes a file.
func (h *Handler) uploading(next func(c echo.Context, agent core.UUID, u *upload) error) echo.HandlerFunc {
	return chain(func(c echo.Context) error {
		agent, err := h.agent(c)
		if err != nil {
			return err
		}
		u, err := readUpload(c.Request(), h.opts.TempDir)
		if err != nil {
			return err
		}
		defer u.Close()
		return next(c, agent, u)
	}, h.opts.File, h.opts.Upload)
}

// reading is a route that takes JSON.
func (h *Handler) reading(next func(c echo.Context, agent core.UUID) error) echo.HandlerFunc {
	return chain(func(c echo.Context) error {
		agent, err := h.agent(c)
		if err != nil {
			return err
		}
		return next(c, agent)
	}, h.opts.File)
}

// chain puts middleware around h, the first one outermost.
func chain(h echo.HandlerFunc, groups ...[]echo.MiddlewareFunc) echo.HandlerFunc {
	for i := len(groups) - 1; i >= 0; i-- {
		for j := len(groups[i]) - 1; j >= 0; j-- {
			h = groups[i][j](h)
		}
	}
	return h
}

// agent reads the agent of the path, which must run.
func (h *Handler) agent(c echo.Context) (core.UUID, error) {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return "", err
	}
	return id, h.svc.Running(c.Request().Context(), id)
}

// recording is what a form holds, for a model.
func (u *upload) recording() Recording {
	return Recording{Audio: u.file, Name: u.name, Language: languageHint(u.form.Field("language"))}
}

// languageHint is a language as clients name it, "" when it is no name of one.
func languageHint(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return ""
		}
	}
	if len(s) > 35 {
		return ""
	}
	return s
}

type transcription struct {
	Text string `json:"text"`
}

func (h *Handler) transcribe(c echo.Context, agent core.UUID, u *upload) error {
	text, err := h.svc.Transcribe(c.Request().Context(), agent, u.recording())
	if err != nil {
		return err
	}
	return httpapi.Superset(c, http.StatusOK, transcription{text})
}

type heard struct {
	Transcription string       `json:"transcription"`
	Message       core.Content `json:"message"` // as it would be sent
}

func (h *Handler) hear(c echo.Context, agent core.UUID, u *upload) error {
	text, err := h.svc.Transcribe(c.Request().Context(), agent, u.recording())
	if err != nil {
		return err
	}
	return httpapi.OK(c, heard{text, core.Content{Text: text, Source: source}})
}

type speechRequest struct {
	Text      string     `json:"text"`
	MessageID httpapi.ID `json:"messageId"`
	Voice     any        `json:"voice"` // a hint: what is no text is none
}

func (h *Handler) generate(c echo.Context, agent core.UUID) error {
	var req speechRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	return h.speak(c, agent, Speech{Text: req.Text, Voice: hint(req.Voice)})
}

func (h *Handler) synthesize(c echo.Context, agent core.UUID) error {
	var req speechRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	return h.speak(c, agent, Speech{Text: req.Text, MessageID: core.UUID(req.MessageID), Voice: hint(req.Voice)})
}

func (h *Handler) speak(c echo.Context, agent core.UUID, s Speech) error {
	clip, err := h.svc.Speak(c.Request().Context(), agent, s)
	if err != nil {
		return err
	}
	defer clip.Close()
	return writeClip(c, clip)
}

// hint is a text that may be given, "" for anything else.
func hint(v any) string {
	s, _ := v.(string)
	if len(s) > maxName {
		return ""
	}
	return s
}

// writeClip answers with audio. When that breaks off, the connection does: the length has been told.
func writeClip(c echo.Context, clip *Clip) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, clip.Type())
	h.Set(echo.HeaderContentLength, strconv.FormatInt(clip.Size(), 10))
	c.Response().WriteHeader(http.StatusOK)
	_, _ = clip.WriteTo(c.Response())
	return nil
}

// jsonPieces encodes v around the place of a text value that is written by itself: what comes before it and
// what after.
func jsonPieces(v any, mark string) (head, tail []byte, err error) {
	b, err := core.EncodeJSON(v)
	if err != nil {
		return nil, nil, err
	}
	head, tail, _ = bytes.Cut(b, []byte(mark))
	return head, tail, nil
}
