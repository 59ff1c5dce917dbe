package memory_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// FuzzRequests sends any bytes as id, query and body: the answer is never a failure of the server, and
// always JSON.
func FuzzRequests(f *testing.F) {
	s := start(f, memory.Options{})
	id := must[core.UUID](f)(s.svc.For(ada).Add(f.Context(), core.Memory{Content: core.Content{Text: "x"}}))
	routes := []struct{ method, before, after string }{
		{"PATCH", "/api/agents/" + string(ada) + "/memories/", ""},
		{"POST", "/api/agents/" + string(ada) + "/worlds", ""},
		{"PATCH", "/api/agents/" + string(ada) + "/worlds/", ""},
		{"POST", "/api/memory/" + string(ada) + "/rooms", ""},
		{"POST", "/api/memory/groups/", ""},
		{"GET", "/api/memory/", "/memories"},
		{"GET", "/api/agents/", "/logs"},
		{"GET", "/api/agents/" + string(ada) + "/runs/", ""},
		{"GET", "/api/agents/" + string(ada) + "/rooms/", "/memories"},
	}
	for i := range routes {
		f.Add(uint(i), string(ada), "limit=1&offset=9&before=5", `{"name":"x","agentIds":["`+string(ada)+`"]}`)
		f.Add(uint(i), string(id), "roomId="+string(ada)+"&excludeTypes=a%25", `{"content":{"text":"a","attachments":[{"url":1}]},"embedding":[1]}`)
		f.Add(uint(i), "%00/..", "tableName=%ff&search=%00&type='", `{"name":"\u0000","metadata":{"a":1e999}}`)
	}
	f.Fuzz(func(t *testing.T, route uint, id, query, body string) {
		r := routes[route%uint(len(routes))]
		target := r.before + r.after
		if r.after != "" || r.before[len(r.before)-1] == '/' {
			target = r.before + url.PathEscape(id) + r.after
		}
		q, err := url.ParseQuery(query)
		if err != nil {
			q = url.Values{"search": {query}, "type": {query}, "excludeTypes": {query}}
		}
		req := httptest.NewRequest(r.method, target+"?"+q.Encode(), bytes.NewReader([]byte(body)))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		s.http.ServeHTTP(rec, req)
		if rec.Code >= 500 || rec.Code < 200 || !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s %s %q = %d %s", r.method, target, body, rec.Code, rec.Body)
		}
	})
}
