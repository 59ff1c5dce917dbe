package elizatest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Client asks a server over HTTP. The zero value of Header adds nothing.
type Client struct {
	T      testing.TB
	Base   string
	Header http.Header
}

// Answer is a response, read.
type Answer struct {
	T      testing.TB
	Status int
	Header http.Header
	Raw    []byte
	Body   map[string]any // nil when it is no JSON object
}

// Do sends a request. A body that is neither nil, a string nor a reader is sent as JSON.
func (c Client) Do(method, path string, body any) Answer {
	c.T.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case io.Reader:
		r = b
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.T.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(c.T.Context(), method, c.Base+path, r)
	if err != nil {
		c.T.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.Header {
		req.Header[k] = v
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	a := Answer{T: c.T, Status: res.StatusCode, Header: res.Header}
	if a.Raw, err = io.ReadAll(res.Body); err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	_ = json.Unmarshal(a.Raw, &a.Body)
	return a
}

// Get, Post, Patch and Delete are Do.
func (c Client) Get(path string) Answer { c.T.Helper(); return c.Do(http.MethodGet, path, nil) }

// Post sends a body.
func (c Client) Post(path string, body any) Answer {
	c.T.Helper()
	return c.Do(http.MethodPost, path, body)
}

// Patch sends a body.
func (c Client) Patch(path string, body any) Answer {
	c.T.Helper()
	return c.Do(http.MethodPatch, path, body)
}

// Delete sends no body.
func (c Client) Delete(path string) Answer { c.T.Helper(); return c.Do(http.MethodDelete, path, nil) }

// Want checks the status.
func (a Answer) Want(status int) Answer {
	a.T.Helper()
	if a.Status != status {
		a.T.Fatalf("status = %d, want %d; body: %.500s", a.Status, status, a.Raw)
	}
	return a
}

// WantError checks that the answer is the error envelope with a status and a code.
func (a Answer) WantError(status int, code core.Code) Answer {
	a.T.Helper()
	a.Want(status)
	e, _ := a.Body["error"].(map[string]any)
	if a.Body["success"] != false || e["code"] != string(code) || e["message"] == "" {
		a.T.Fatalf("body = %.500s, want the error envelope with code %s", a.Raw, code)
	}
	return a
}

// Data is the object in the success envelope.
func (a Answer) Data() map[string]any {
	a.T.Helper()
	d, ok := a.Body["data"].(map[string]any)
	if !ok {
		a.T.Fatalf("no data object in %.500s", a.Raw)
	}
	return d
}

// Messages lists the messages of a channel, oldest first.
func (c Client) Messages(channel core.UUID) []map[string]any {
	c.T.Helper()
	list, _ := c.Get("/api/messaging/channels/" + string(channel) + "/messages?limit=1000").Want(200).Data()["messages"].([]any)
	out := make([]map[string]any, len(list))
	for i, m := range list {
		out[len(list)-1-i], _ = m.(map[string]any)
	}
	return out
}

// Say posts a message to a direct channel with an agent, which is made on the way.
func (c Client) Say(channel, user, agent core.UUID, text, transport string) Answer {
	c.T.Helper()
	return c.Post("/api/messaging/channels/"+string(channel)+"/messages", map[string]any{
		"author_id": user, "server_id": core.DefaultServerID, "content": text, "transport": transport,
		"metadata": map[string]any{"isDm": true, "targetUserId": agent},
	})
}

// Eventually repeats fn until it holds, for at most ten seconds.
func Eventually(t testing.TB, what string, fn func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for !fn() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
