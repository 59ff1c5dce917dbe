package hosttest

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"testing/fstest"
	"time"

	"github.com/gorilla/websocket"
)

// MaxBody is the limit a host sets to the bodies of all requests, in bytes.
const MaxBody = 64 << 10

// changed is when the host's files were changed.
var changed = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// Files are the files of a host, one of them in a folder with an index.
func Files() fs.FS {
	return fstest.MapFS{
		"a.txt":          {Data: []byte("a file of the host\n"), ModTime: changed, Mode: 0o644},
		"sub/index.html": {Data: []byte("<p>an index of the host</p>\n"), ModTime: changed, Mode: 0o644},
	}
}

// ItemMethods are the methods of /items/{id}.
func ItemMethods() []string { return []string{"GET", "POST", "PUT", "PATCH", "DELETE"} }

// Page is a route that any router can serve as it is.
type Page struct {
	Method string // "" for all
	Path   string
	http.HandlerFunc
}

// Pages are the routes of every host, always in the same order.
func Pages() []Page {
	return []Page{
		{"GET", "/", says("home")},
		{"", "/ai", says("the host's page about AI")},
		{"GET", "/page", says("page")},
		{"GET", "/health", says("the host is well")},
		{"GET", "/api/status", says("the host's own API")},
		{"GET", "/media/logo.svg", says("<svg/>")},
		{"GET", "/socket.io/info", says("the host's sockets")},
		{"GET", "/old", http.RedirectHandler("/page?from=old", http.StatusFound).ServeHTTP},
		{"GET", "/cookies", cookies},
		{"GET", "/large", says(strings.Repeat("the host has much to say. ", 400))},
		{"GET", "/static", static},
		{"HEAD", "/static", static},
		{"GET", "/events", events},
		{"GET", "/ws", echoFrames},
		{"GET", "/panic", func(http.ResponseWriter, *http.Request) { panic("the host's own") }},
		{"GET", "/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"POST", "/echo", echoBody},
		{"POST", "/upload", upload},
	}
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}

func cookies(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", MaxAge: 60})
	for _, c := range r.Cookies() {
		fmt.Fprintf(w, "%s=%s\n", c.Name, c.Value)
	}
}

func static(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"host-1"`)
	http.ServeContent(w, r, "static.txt", changed, strings.NewReader("0123456789abcdef"))
}

// events is a stream that ends by itself.
func events(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := range 3 {
		fmt.Fprintf(w, "id: %d\ndata: event %d of the host\n\n", n, n)
		_ = http.NewResponseController(w).Flush()
	}
}

// echoBody answers what it is sent.
func echoBody(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the host takes no more", http.StatusRequestEntityTooLarge)
		return
	}
	_, _ = w.Write(b)
}

// upload answers what it was given in a form.
func upload(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer file.Close()
	sum := sha256.New()
	n, _ := io.Copy(sum, file)
	fmt.Fprintf(w, "%s %q %d %x %s", head.Filename, head.Header.Get("Content-Type"), n, sum.Sum(nil), r.FormValue("note"))
}

// echoFrames is a websocket that answers each message with it, until the client closes it.
func echoFrames(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{Subprotocols: []string{"host.v1"}}).Upgrade(hijacker{w}, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, b, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, b) != nil {
			return
		}
	}
}

// hijacker finds the connection behind writers that wrap it.
type hijacker struct{ http.ResponseWriter }

// Hijack implements [http.Hijacker].
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(h.ResponseWriter).Hijack()
}
