package agents_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	t.Run("an id is derived from the name", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		if id := f.make(`{"name":"Eliza","bio":"x"}`); id != "b850bc30-45f8-0041-a00a-83df46d8555d" {
			t.Errorf("id = %s", id)
		}
		if id := f.make(`{"id":"AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa","name":"Eliza","bio":"x"}`); id != "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa" {
			t.Errorf("given id = %s", id)
		}
	})
	t.Run("one that exists is returned unchanged", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		f.make(`{"name":"Ada","bio":"first"}`)
		d := f.data(200, http.MethodPost, "/api/agents", `{"agent":{"name":"Ada","bio":"second"}}`)
		if c, _ := d["character"].(map[string]any); d["existing"] != true || c["bio"] != "first" {
			t.Errorf("data = %v", d)
		}
	})
	t.Run("it is stored, not started", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(`{"name":"Ada","bio":["a","b"],"settings":{"x":1}}`)
		d := f.data(200, http.MethodGet, "/api/agents/"+string(id), "")
		if d["status"] != "inactive" || fmt.Sprint(d["bio"]) != "[a b]" || fmt.Sprint(d["topics"]) != "[]" || d["username"] != "" || f.builds.Load() != 0 {
			t.Errorf("agent = %v", d)
		}
		if _, ok := d["system"]; ok {
			t.Error("an empty system is written")
		}
	})
	t.Run("from a file of the characters folder only", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		for _, ok := range []string{"ada", "sub/bob.json"} {
			f.data(201, http.MethodPost, "/api/agents", `{"characterPath":"`+ok+`"}`)
		}
		for _, bad := range []string{"../ada", "/etc/passwd", "nobody", "http://x/y.json", `c:\\x`, "sub/../ada"} {
			if code := f.code(400, http.MethodPost, "/api/agents", `{"characterPath":"`+bad+`"}`); !strings.HasPrefix(code, "CREATE_ERROR") {
				t.Errorf("%s: %s", bad, code)
			}
		}
	})
}

func TestCharacterChecks(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for doc, want := range map[string]string{
		`{"bio":"x"}`:                                                          "name: ",
		`{"name":"","bio":"x"}`:                                                "name: ",
		`{"name":"   ","bio":"x"}`:                                             "name: ",
		`{"name":7,"bio":"x"}`:                                                 "name: ",
		`{"name":"A"}`:                                                         "bio: Invalid input",
		`{"name":"A","bio":[1]}`:                                               "bio: Invalid input",
		`{"name":"A","bio":"x","bogus":1}`:                                     `: Unrecognized key: "bogus"`,
		`{"name":"A","bio":"x","id":"nope"}`:                                   "id: Invalid UUID",
		`{"name":"A","bio":"x","topics":"x"}`:                                  "topics: ",
		`{"name":"A","bio":"x","settings":{"a":null}}`:                         "settings.a: ",
		`{"name":"A","bio":"x","secrets":{"a":{}}}`:                            "secrets.a: ",
		`{"name":"A","bio":"x","style":{"loud":["x"]}}`:                        `style: Unrecognized key: "loud"`,
		`{"name":"A","bio":"x","style":{"all":"x"}}`:                           "style.all: ",
		`{"name":"A","bio":"x","knowledge":[{"path":"a","directory":"b"}]}`:    "knowledge.0: ",
		`{"name":"A","bio":"x","messageExamples":[[{"name":1,"content":{}}]]}`: "messageExamples.0.0.name: ",
		`{"name":"A","bio":"x","messageExamples":[[{"name":"n","content":{"attachments":[{"id":1}]}}]]}`: "messageExamples.0.0.content: ",
		`{"name":"A","bio":"x","templates":{"t":1}}`:                                                     "templates.t: ",
		`[]`:     "",
		`"text"`: "",
		`{"name":"` + strings.Repeat("n", 256) + `","bio":"x"}`: "name: ",
	} {
		code := f.code(400, http.MethodPost, "/api/agents", `{"characterJson":`+doc+`}`)
		if !strings.HasPrefix(code, "CREATE_ERROR: Character validation failed: ") || !strings.Contains(code, want) {
			t.Errorf("%.80s: %s, want %q", doc, code, want)
		}
	}
	if code := f.code(400, http.MethodPost, "/api/agents", `{}`); code != "CREATE_ERROR: No character configuration provided" {
		t.Error(code)
	}
	full := `{"name":"Full","bio":["a"],"username":"u","system":"s","templates":{"t":"x"},"postExamples":["p"],"adjectives":["a"],
		"knowledge":["text",{"path":"a.md","shared":true},{"directory":"d"}],"plugins":["@scope/plugin-x"],"settings":{"a":[1],"b":{"c":true}},
		"secrets":{"k":"v","n":1,"b":true},"style":{"all":["x"],"chat":[],"post":["y"]},
		"messageExamples":[[{"name":"{{user1}}","content":{"text":"hi","more":{"a":1},"attachments":[{"id":"1","url":"/x","size":2}]}}]]}`
	f.make(full)
}

func TestPatch(t *testing.T) {
	t.Parallel()
	const character = `{"name":"Ada","bio":"x","topics":["a"],"settings":{"keep":1,"drop":2,"nested":{"a":1,"b":2},"gone":{"x":1}},"secrets":{"k":"hunter2"}}`
	patch := func(f *fixture, id core.UUID, body string) map[string]any {
		return f.data(200, http.MethodPatch, "/api/agents/"+string(id), body)
	}
	t.Run("scalars and arrays replace, settings merge, null deletes", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(character)
		d := patch(f, id, `{"name":"Grace","topics":["b"],"settings":{"drop":null,"nested":{"b":null,"c":3},"gone":{"x":null},"new":true},"ignored":1,"status":"active"}`)
		if d["id"] != string(id) || d["name"] != "Grace" || fmt.Sprint(d["topics"]) != "[b]" || d["status"] != "inactive" {
			t.Errorf("agent = %v", d)
		}
		if got := fmt.Sprint(d["settings"]); got != "map[keep:1 nested:map[a:1 c:3] new:true]" {
			t.Errorf("settings = %s", got)
		}
	})
	t.Run("an empty patch changes nothing", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(character)
		before := f.data(200, http.MethodGet, "/api/agents/"+string(id), "")
		if after := patch(f, id, `{}`); after["updatedAt"] != before["updatedAt"] {
			t.Errorf("updatedAt %v became %v", before["updatedAt"], after["updatedAt"])
		}
	})
	t.Run("bad input is refused and nothing changes", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(character)
		for _, bad := range []string{`{"name":7}`, `{"topics":"x"}`, `{"bio":{}}`, `{"id":"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}`, `[]`, `{"settings":[]}`, `{`} {
			if code := f.code(400, http.MethodPatch, "/api/agents/"+string(id), bad); !strings.HasPrefix(code, "BAD_REQUEST") {
				t.Errorf("%s: %s", bad, code)
			}
		}
		if d := f.data(200, http.MethodGet, "/api/agents/"+string(id), ""); d["name"] != "Ada" {
			t.Errorf("agent = %v", d)
		}
	})
	t.Run("a running agent takes a change over; a changed set of plugins restarts it", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(character)
		f.data(200, http.MethodPost, "/api/agents/"+string(id)+"/start", "")
		patch(f, id, `{"system":"new"}`)
		rt, err := f.manager.Runtime(t.Context(), id)
		if err != nil || rt.Character().System != "new" || f.builds.Load() != 1 {
			t.Errorf("system = %q after %d builds, %v", rt.Character().System, f.builds.Load(), err)
		}
		patch(f, id, `{"plugins":["other"]}`)
		if again, err := f.manager.Runtime(t.Context(), id); err != nil || again == rt || f.builds.Load() != 2 || f.open.Load() != 1 {
			t.Errorf("%d builds, %d open, %v", f.builds.Load(), f.open.Load(), err)
		}
	})
	t.Run("a failed restart takes the patch back", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(character)
		f.data(200, http.MethodPost, "/api/agents/"+string(id)+"/start", "")
		f.broken.Store(true)
		if code := f.code(500, http.MethodPatch, "/api/agents/"+string(id), `{"plugins":["broken"],"system":"new"}`); !strings.HasPrefix(code, "UPDATE_ERROR") {
			t.Error(code)
		}
		f.broken.Store(false)
		d := f.data(200, http.MethodGet, "/api/agents/"+string(id), "")
		if d["status"] != "active" || d["system"] != nil || fmt.Sprint(d["plugins"]) != "[]" {
			t.Errorf("agent = %v", d)
		}
		if _, err := f.manager.Runtime(t.Context(), id); err != nil || f.builds.Load() != 2 {
			t.Errorf("the old brain is gone: %d builds, %v", f.builds.Load(), err)
		}
	})
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	id := f.make(`{"name":"Ada","bio":"x","secrets":{"k":"hunter2","n":7},"settings":{"secrets":{"s":"hunter3"}}}`)
	d := f.data(200, http.MethodGet, "/api/agents/"+string(id), "")
	all := fmt.Sprint(d)
	if strings.Contains(all, "hunter") {
		t.Errorf("agent = %s", all)
	}
	sealed := d["secrets"].(map[string]any)["k"].(string)
	// Sent back as it was shown it stays; something new is sealed in its turn.
	d = f.data(200, http.MethodPatch, "/api/agents/"+string(id), `{"secrets":{"k":"`+sealed+`","new":"hunter4"}}`)
	if got := d["secrets"].(map[string]any); got["k"] != sealed || strings.Contains(fmt.Sprint(got), "hunter4") {
		t.Errorf("secrets = %v", got)
	}
	a, err := f.store.Agent(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := agents.NewCipher("", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Decrypt(a.Character.Secrets["new"].(string)); got != "hunter4" {
		t.Errorf("stored secret = %q", got)
	}
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	t.Run("starting is repeatable, stopping is not", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(`{"name":"Ada","bio":"x"}`)
		path := "/api/agents/" + string(id)
		for range 2 {
			if d := f.data(200, http.MethodPost, path+"/start", ""); d["status"] != "active" || d["name"] != "Ada" {
				t.Errorf("start = %v", d)
			}
		}
		if d := f.data(200, http.MethodPost, path+"/stop", ""); d["status"] != "inactive" || f.open.Load() != 0 || len(f.stopped) != 1 {
			t.Errorf("stop = %v, %d open", d, f.open.Load())
		}
		if code := f.code(404, http.MethodPost, path+"/stop", ""); !strings.HasPrefix(code, "NOT_FOUND") {
			t.Error(code)
		}
		if _, err := f.manager.Runtime(t.Context(), id); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("Runtime of a stopped agent: %v", err)
		}
	})
	t.Run("a start that fails leaves nothing", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(`{"name":"Ada","bio":"x"}`)
		f.broken.Store(true)
		if code := f.code(500, http.MethodPost, "/api/agents/"+string(id)+"/start", ""); !strings.HasPrefix(code, "START_ERROR") || strings.Contains(code, "no brain today") {
			t.Error(code)
		}
		if d := f.data(200, http.MethodGet, "/api/agents/"+string(id), ""); d["status"] != "inactive" {
			t.Errorf("status = %v", d["status"])
		}
	})
	t.Run("at once by many, built once", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(`{"name":"Ada","bio":"x"}`)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := f.manager.Start(context.Background(), id); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := f.open.Load(); n != 1 {
			t.Errorf("%d brains", n)
		}
	})
	t.Run("a deleted agent is stopped and gone", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		id := f.make(`{"name":"Ada","bio":"x"}`)
		path := "/api/agents/" + string(id)
		f.data(200, http.MethodPost, path+"/start", "")
		f.data(204, http.MethodDelete, path, "")
		f.code(404, http.MethodGet, path, "")
		f.code(404, http.MethodDelete, path, "")
		if n := f.open.Load(); n != 0 {
			t.Errorf("%d brains", n)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	f.make(`{"name":"beta","bio":"one text"}`)
	id := f.make(`{"name":"Gamma","bio":["first line","second"]}`)
	f.make(`{"name":"Alpha","bio":[]}`)
	f.data(200, http.MethodPost, "/api/agents/"+string(id)+"/start", "")
	var got []string
	for _, a := range f.data(200, http.MethodGet, "/api/agents/", "")["agents"].([]any) {
		m := a.(map[string]any)
		got = append(got, fmt.Sprintf("%v/%v/%v", m["name"], m["bio"], m["status"]))
	}
	if s := strings.Join(got, " "); s != "Gamma/first line/active Alpha//inactive beta/one text/inactive" {
		t.Errorf("list = %s", s)
	}
	if l := f.data(200, http.MethodGet, "/api/agents?limit=1&offset=1", "")["agents"].([]any); len(l) != 1 {
		t.Errorf("a page of one = %v", l)
	}
}

// vanishing is a store in which an agent is there when another is to be created, and gone a moment later.
type vanishing struct {
	agents.Store
	asked atomic.Int32
}

func (v *vanishing) Insert(ctx context.Context, a *agents.Agent) error {
	if v.asked.Add(1) == 1 {
		return &core.Error{Code: core.CodeConflict, Message: "taken"}
	}
	return v.Store.Insert(ctx, a)
}

func TestCreateWhileTheOldOneIsDeleted(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	m, err := agents.New(&vanishing{Store: f.store}, f.build, nil, agents.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, existed, err := m.Create(t.Context(), &core.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"x"}}})
	if err != nil || existed || a.Character.Name != "Ada" {
		t.Errorf("Create = %v, %v, %v, want a new agent", a, existed, err)
	}
}

func TestUnknownAndMalformedIDs(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, r := range []struct{ method, path, body string }{
		{http.MethodGet, "", ""},
		{http.MethodPatch, "", "{}"},
		{http.MethodDelete, "", ""},
		{http.MethodPost, "/start", ""},
		{http.MethodPost, "/stop", ""},
	} {
		if code := f.code(400, r.method, "/api/agents/nope"+r.path, r.body); !strings.HasPrefix(code, "INVALID_ID") {
			t.Errorf("%s %s: %s", r.method, r.path, code)
		}
		if code := f.code(404, r.method, "/api/agents/"+string(core.NewUUID())+r.path, r.body); !strings.HasPrefix(code, "NOT_FOUND") {
			t.Errorf("%s %s: %s", r.method, r.path, code)
		}
	}
}

func FuzzParseCharacter(f *testing.F) {
	f.Add([]byte(`{"name":"A","bio":"x","settings":{"a":[1]},"messageExamples":[[{"name":"n","content":{"text":"t"}}]]}`))
	f.Add([]byte(`{"name":"A","bio":["x"],"knowledge":[{"path":"p"}],"style":{"all":[]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := agents.ParseCharacter(doc)
		if err != nil {
			if core.CodeOf(err) != core.CodeCreate {
				t.Errorf("error %v", err)
			}
			return
		}
		if c.Clone().Name != c.Name {
			t.Error("a character is not what its document says")
		}
	})
}
