package eliza_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	d, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, item := range d.Spec.Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+apitest.Pattern(path, item)] = true
		}
	}
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	registered := map[string]bool{}
	for _, r := range elizatest.Start(t).Handler().(*echo.Echo).Routes() {
		if slices.Contains(methods, r.Method) {
			registered[r.Method+" "+r.Path] = true
		}
	}
	for _, route := range slices.Sorted(maps.Keys(registered)) {
		path := route[strings.Index(route, "/"):]
		_, slash := strings.CutSuffix(path, "/")
		switch {
		case described[route]:
		case slash && path != "/" && registered[strings.TrimSuffix(route, "/")]: // makes no difference
		case path == "/api", path == "/", path == "/socket.io", path == "/socket.io/*": // what lies below is described, by the methods that mean something
		default:
			t.Errorf("%s is registered and not described", route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(described)) {
		if !registered[route] {
			t.Errorf("%s is described and not registered", route)
		}
	}
}

func TestAliasesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	d, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*openapi3.Operation{}
	for _, item := range d.Spec.Paths.Map() {
		for _, op := range item.Operations() {
			byID[op.OperationID] = op
		}
	}
	for id, op := range byID {
		of, alias := op.Extensions["x-alias-of"].(string)
		if main := byID[of]; alias && (main == nil || main.Extensions["x-alias-of"] != nil || main.Summary != op.Summary) {
			t.Errorf("%s is no alias of %s", id, of)
		}
	}
}

func TestDescriptionsAreServed(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithAPIKey("k"), eliza.WithPublicPath("/host/eliza"), eliza.WithVersion("1.2.3"), eliza.WithRateLimits(eliza.Limit{Requests: 100, Window: time.Hour}, eliza.Limit{}, eliza.Limit{}))
	for _, path := range []string{"/api/openapi.json", "/api/asyncapi.json", "/api/docs"} {
		s.Get(path).WantError(401, core.CodeUnauthorized)
	}
	s.Header = http.Header{"X-Api-Key": {"k"}}

	a := s.Get("/api/openapi.json").Want(200)
	spec, err := openapi3.NewLoader().LoadFromData(a.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if spec.OpenAPI != "3.1.0" || spec.Info.Version != "1.2.3" || len(spec.Servers) != 1 || spec.Servers[0].URL != "/host/eliza" {
		t.Errorf("%s, version %s, servers %+v", spec.OpenAPI, spec.Info.Version, spec.Servers)
	}
	if a.Header.Get("RateLimit-Limit") != "100" {
		t.Error("it is not counted")
	}
	if _, shared := a.Body["x-shared"]; shared {
		t.Error("what is only for merging is served")
	}

	events := s.Get("/api/asyncapi.json").Want(200).Body
	server, _ := events["servers"].(map[string]any)["main"].(map[string]any)
	if events["asyncapi"] != "3.0.0" || server["pathname"] != "/host/eliza/socket.io/" {
		t.Errorf("%v on %v", events["asyncapi"], server)
	}
	s.Do("HEAD", "/api/openapi.json", nil).Want(200)
}

func TestAServerWithoutMountPointIsAtTheRoot(t *testing.T) {
	t.Parallel()
	var doc struct {
		Servers []struct{ URL string }
		Info    struct{ Version string }
	}
	if err := json.Unmarshal(elizatest.Start(t).Get("/api/openapi.json").Want(200).Raw, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "/" || doc.Info.Version != eliza.Version {
		t.Errorf("%+v", doc)
	}
}

func TestThePageOfTheDescription(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	a := s.Get("/api/docs").Want(200)
	page := string(a.Raw)
	if kind := a.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("type = %s", kind)
	}
	for _, want := range []string{
		"<!doctype html>", "/api/agents/{agentId}/start", "/api/messaging/channels/{channelId}/messages", "List agents", "X-API-KEY",
		`id="schema-Channel"`, `href="#schema-Channel"`, "messageBroadcast", "subscribe_logs", `href="openapi.json"`, "<code>targetUserId</code>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, never := range []string{"<script", " onclick", "src=", "<link", "url(", "@import", "ZgotmplZ", "%!", "<no value>"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s", never)
		}
	}
	anchors := map[string]bool{}
	for part := range strings.SplitSeq(page, ` id="`) {
		id, _, _ := strings.Cut(part, `"`)
		anchors[id] = true
	}
	for i, part := range strings.Split(page, `href="#`) {
		if id, _, _ := strings.Cut(part, `"`); i > 0 && !anchors[id] {
			t.Errorf("a link leads to #%s, which is not there", id)
		}
	}

	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Base+"/api/docs/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if to, err := res.Location(); err != nil || res.StatusCode != 301 || to.Path != "/api/docs" {
		t.Errorf("%d to %v", res.StatusCode, to)
	}
}
