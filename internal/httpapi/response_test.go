package httpapi

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// client is one that takes an answer slowly, or not at all.
type client struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
	gone      error
}

func (w *client) SetWriteDeadline(t time.Time) error {
	w.deadlines = append(w.deadlines, t)
	return nil
}

func (w *client) Write(b []byte) (int, error) {
	if w.gone != nil {
		return 0, w.gone
	}
	return w.ResponseRecorder.Write(b)
}

// answer answers w with data, and returns what is logged.
func (w *client) answer(data any) string {
	w.ResponseRecorder = httptest.NewRecorder()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	e := echo.New()
	e.GET("/", Guard(log, func(c echo.Context) error { return OK(c, data) }))
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return out.String()
}

func TestLargeAnswersAreNotHeldForever(t *testing.T) {
	t.Parallel()
	w := &client{}
	if w.answer("small"); len(w.deadlines) != 0 {
		t.Errorf("a small answer has deadlines: %v", w.deadlines)
	}
	began, text := time.Now(), strings.Repeat("x", 600<<10)
	w.answer(text)
	if len(w.deadlines) != 3 || w.deadlines[0].Before(began.Add(30*time.Second)) || w.deadlines[2].Before(w.deadlines[0]) {
		t.Errorf("began %s, deadlines %v", began, w.deadlines)
	}
	if got := w.Body.String(); got != `{"success":true,"data":"`+text+`"}` {
		t.Errorf("%d bytes came", len(got))
	}
}

func TestAClientThatLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	w := &client{gone: syscall.EPIPE}
	if logged := w.answer("x"); logged != "" {
		t.Errorf("logged: %s", logged)
	}
}
