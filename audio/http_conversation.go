package audio

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

type conversationRequest struct {
	Text        string            `json:"text"`
	RoomID      string            `json:"roomId"`
	EntityID    string            `json:"entityId"`
	WorldID     string            `json:"worldId"`
	UserName    string            `json:"userName"`
	Name        string            `json:"name"`
	Attachments []json.RawMessage `json:"attachments"`
	Voice       any               `json:"voice"`
}

func (r conversationRequest) question() Question {
	q := Question{
		Text: r.Text, RoomID: r.RoomID, EntityID: r.EntityID, WorldID: r.WorldID, Name: r.Name,
		Attachments: media(r.Attachments), Voice: hint(r.Voice),
	}
	if q.Name == "" {
		q.Name = r.UserName
	}
	return q
}

// media reads attachments tolerantly: what is no object is left out, and clients write title or name,
// contentType or type.
func media(list []json.RawMessage) []core.Media {
	var out []core.Media
	for _, raw := range list {
		var m core.Media
		if len(raw) == 0 || raw[0] != '{' || core.DecodeJSON(raw, &m) != nil {
			continue
		}
		if name, ok := m.Extra["name"].(string); ok && m.Title == "" {
			m.Title = name
		}
		if kind, ok := m.Extra["type"].(string); ok && m.ContentType == "" {
			m.ContentType = kind
		}
		out = append(out, m)
	}
	return out
}

func (h *Handler) converseByText(c echo.Context, agent core.UUID) error {
	var req conversationRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	reply, err := h.svc.Converse(c.Request().Context(), agent, req.question())
	if err != nil {
		return err
	}
	defer reply.Audio.Close()
	return writeClip(c, reply.Audio)
}

func (h *Handler) converseByVoice(c echo.Context, agent core.UUID, u *upload) error {
	text, err := h.svc.Transcribe(c.Request().Context(), agent, u.recording())
	if err != nil {
		return err
	}
	if text == "" { // nothing was said, and nothing is answered
		return writeReply(c, text, &Reply{})
	}
	reply, err := h.svc.Converse(c.Request().Context(), agent, u.question(text))
	if err != nil {
		return err
	}
	defer reply.Audio.Close()
	return writeReply(c, text, reply)
}

// question is what was said in a form's recording. Its fields have the names of the JSON ones.
func (u *upload) question(text string) Question {
	return conversationRequest{
		Text: text, RoomID: u.form.Field("roomId"), EntityID: u.form.Field("entityId"), WorldID: u.form.Field("worldId"),
		UserName: u.form.Field("userName"), Name: u.form.Field("name"), Voice: u.form.Field("voice"),
	}.question()
}

type spoken struct {
	Success bool `json:"success"`
	Data    struct {
		Format        string `json:"format"`
		Audio         string `json:"audio"`
		Text          string `json:"text"`
		Transcription string `json:"transcription"`
	} `json:"data"`
}

// placeholder stands where the audio goes. It is the first text of the answer that could hold it.
const placeholder = "\x00"

// writeReply answers with a reply as JSON, its audio in Base64. The audio goes from its file into the answer
// piece by piece.
func writeReply(c echo.Context, heard string, r *Reply) error {
	body := spoken{Success: true}
	body.Data.Text, body.Data.Transcription, body.Data.Format = r.Text, heard, "mp3"
	if r.Audio == nil {
		return httpapi.JSON(c, http.StatusOK, body)
	}
	body.Data.Format, body.Data.Audio = r.Audio.Format(), placeholder
	head, tail, err := jsonPieces(body, `\u0000`)
	if err != nil {
		return err
	}
	size := int64(len(head)+len(tail)) + (r.Audio.Size()+2)/3*4
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/json; charset=utf-8")
	h.Set(echo.HeaderContentLength, strconv.FormatInt(size, 10))
	c.Response().WriteHeader(http.StatusOK)
	_, _ = c.Response().Write(head)
	enc := base64.NewEncoder(base64.StdEncoding, c.Response())
	if _, err := r.Audio.WriteTo(enc); err != nil {
		return nil // the length was told: the connection breaks off
	}
	_ = enc.Close()
	_, _ = c.Response().Write(tail)
	return nil
}
