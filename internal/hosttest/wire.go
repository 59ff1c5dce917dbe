package hosttest

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds an exchange.
const patience = 20 * time.Second

// listen serves a handler on a loopback address until the test ends.
func listen(t testing.TB, h http.Handler) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: h, ReadHeaderTimeout: patience, MaxHeaderBytes: 32 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = web.Close()
		<-served
	})
	return ln.Addr().String()
}

// Step is bytes that are sent, and the bytes that must have come back before the next step; "" waits for nothing.
type Step struct{ Send, Until string }

// talk sends the steps over a connection of their own and returns all that came back until its end.
func talk(t testing.TB, addr string, steps []Step) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, s := range steps {
		if _, err := io.WriteString(conn, s.Send); err != nil {
			t.Fatalf("send: %v; so far came %q", err, got.String())
		}
		for begin := got.Len(); s.Until != "" && !bytes.Contains(got.Bytes()[begin:], []byte(s.Until)); {
			if n, err := io.CopyN(&got, conn, 1); n == 0 {
				t.Fatalf("waiting for %q: %v; so far came %q", s.Until, err, got.String())
			}
		}
	}
	if _, err := io.Copy(&got, conn); isTimeout(err) {
		t.Fatalf("the connection was not closed; so far came %q", got.String())
	}
	return date.ReplaceAllString(got.String(), "${1}masked\r")
}

var date = regexp.MustCompile(`(?m)^(Date: )[^\r\n]*\r$`)

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// ask is a request without a body; head are further lines of its head.
func ask(method, path string, head ...string) string {
	return lines(method, path, append(head, "Connection: close"))
}

// send is a request with a body.
func send(method, path, body string, head ...string) string {
	return ask(method, path, append(head, "Content-Length: "+strconv.Itoa(len(body)))...) + body
}

func lines(method, path string, head []string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: host.example\r\n" + strings.Join(append(head, "", ""), "\r\n")
}

// frame is a websocket frame of a client, masked with zeros: all of the message when it is short.
func frame(opcode byte, payload string) string {
	return string([]byte{0x80 | opcode, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload
}
