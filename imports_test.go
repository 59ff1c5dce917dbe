package eliza_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/eliza-go/eliza"

// allowed is the map of the house: what each package may import of ours, besides runtime/core and, for
// those that serve HTTP, internal/httpapi. A name that ends in /… stands for what is below it.
var allowed = map[string][]string{
	"runtime/core":         {},
	"internal/httpapi":     {},
	"internal/ratelimit":   {},
	"internal/tracing":     {},
	"runtime/prom":         {"runtime"},
	"messaging/socketio":   {},
	"agents":               {},
	"runtime/api":          {},
	"audio":                {},
	"media":                {},
	"memory":               {},
	"runtime":              {},
	"plugin":               {},
	"messaging/bus":        {},
	"messaging/client":     {},
	"messaging":            {"internal/tracing", "messaging/socketio"},
	"agents/loop":          {"agents", "internal/tracing", "memory", "plugin"},
	"plugin/bootstrap":     {"plugin"},
	"plugin/doctor":        {"plugin"},
	"plugin/openai":        {"plugin"},
	"plugin/speech":        {"plugin"},
	"storage":              {"agents", "memory", "messaging", "plugin", "runtime"},
	"storage/storagetest":  {"storage", "agents", "memory", "messaging", "plugin"},
	"internal/apitest":     {"runtime/api"},
	"internal/conformhost": {"", "agents", "internal/pieces", "media", "memory", "messaging", "plugin", "plugin/speech", "storage"},
	"internal/pieces":      {"agents", "audio", "media", "memory", "messaging", "storage"},
	"internal/elizatest":   {"", "internal/apitest", "media", "messaging/client", "plugin"},
	"internal/hosttest":    {"", "internal/elizatest"},
	"": {
		"agents", "agents/loop", "runtime/api", "audio", "media", "memory", "messaging", "messaging/bus", "messaging/socketio", "plugin", "plugin/bootstrap",
		"plugin/doctor", "runtime", "storage", "internal/ratelimit", "internal/tracing",
	},
}

// servesHTTP lists who may use the HTTP glue.
var servesHTTP = []string{"", "agents", "runtime/api", "audio", "media", "memory", "messaging", "runtime", "plugin", "internal/ratelimit"}

type listed struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

// packages runs go list.
func packages(t *testing.T, args ...string) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Dir,Imports,GoFiles"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsFollowThePackageMap(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t, "./...") {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(name, "examples/") {
			continue // programs may use everything
		}
		may, known := allowed[name]
		if !known {
			t.Errorf("package %q is not on the map", name)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, module) {
				continue
			}
			imp = strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
			isolated := name == "runtime/core" || name == "messaging/socketio"
			switch {
			case slices.Contains(may, imp), imp == "runtime/core" && !isolated, imp == "internal/httpapi" && slices.Contains(servesHTTP, name):
			default:
				t.Errorf("package %q must not import %q", name, imp)
			}
		}
	}
}

func TestTheLeafIsTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t, "-deps", "./runtime/core") {
		if first, _, _ := strings.Cut(p.ImportPath, "/"); strings.Contains(first, ".") && !strings.HasPrefix(p.ImportPath, module) {
			t.Errorf("runtime/core depends on %s", p.ImportPath)
		}
		if p.ImportPath == "net/http" {
			t.Error("runtime/core depends on net/http")
		}
	}
}

// heavy lists what must not be linked into a program that imports a package, whatever way it would come in.
// storage is not said to be free of Echo: it implements the stores of the domains, and their packages have routes.
var heavy = []struct {
	packages  []string
	forbidden []string
}{
	{[]string{"./messaging/socketio", "./runtime/core"}, append([]string{"github.com/labstack/echo", "github.com/go-playground"}, database...)},
	{[]string{"./media", "./audio", "./agents", "./agents/loop", "./memory", "./runtime", "./plugin", "./messaging", "./messaging/bus"}, database},
	{[]string{"."}, []string{
		module + "/plugin/openai", module + "/plugin/speech", // what talks to models is the host's choice
		"github.com/openai/", "github.com/sashabaranov/", "github.com/anthropics/", "github.com/ollama/", "google.golang.org/", "cloud.google.com/",
		"github.com/aws/", "github.com/Azure/", // the makers' kits
		"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", // nor what sends traces,
		module + "/runtime/prom", "github.com/prometheus/", // or counts for somebody
		"github.com/redis/", "github.com/jackc/", "github.com/lib/pq", "github.com/mattn/go-sqlite3",
		"github.com/getkin/", "github.com/santhosh-tekuri/", "go.uber.org/goleak", "testing", // tools of tests
		"expvar", "net/http/pprof", // they put themselves into the host's default mux
	}},
	{[]string{"./examples/..."}, []string{
		"github.com/getkin/", "github.com/santhosh-tekuri/", module + "/internal/apitest", module + "/internal/elizatest", module + "/internal/hosttest", "testing",
	}},
}

var database = []string{"gorm.io/", "modernc.org/", "github.com/glebarez/", "github.com/pressly/"}

func TestHeavyThingsStayOut(t *testing.T) {
	t.Parallel()
	for _, rule := range heavy {
		for _, name := range rule.packages {
			for _, p := range packages(t, "-deps", name) {
				for _, prefix := range rule.forbidden {
					if below(p.ImportPath, prefix) {
						t.Errorf("%s depends on %s", name, p.ImportPath)
					}
				}
			}
		}
	}
}

// The package of that name keeps the process's own provider of tracers; what is below it is the API.
func TestTheServerCannotReachTheProcessesTracer(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t, "-deps", ".") {
		if p.ImportPath == "go.opentelemetry.io/otel" {
			t.Errorf("the server depends on %s", p.ImportPath)
		}
	}
}

func TestTheClientLinksNothingOfTheServer(t *testing.T) {
	t.Parallel()
	may := []string{module + "/messaging/client", module + "/runtime/core", "github.com/gorilla/websocket"}
	for _, p := range packages(t, "-deps", "./messaging/client") {
		first, _, _ := strings.Cut(p.ImportPath, "/")
		if strings.Contains(first, ".") && !slices.Contains(may, p.ImportPath) {
			t.Errorf("messaging/client depends on %s", p.ImportPath)
		}
	}
}

// below tells whether a package is the one of a prefix, or below it.
func below(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && (rest == "" || strings.HasPrefix(rest, "/") || strings.HasSuffix(prefix, "/"))
}
