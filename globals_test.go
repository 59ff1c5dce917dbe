package eliza_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/plugin/speech"
)

// global is what belongs to the program that imports a library, by import path; a name of "*" is all of a package.
var global = map[string][]string{
	"flag": {"*"}, "os/signal": {"*"}, "expvar": {"*"}, "net/http/pprof": {"*"}, "unsafe": {"*"},
	"os": {
		"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "Args", "Exit", "Chdir", "Stdin", "Stdout", "Stderr",
		"UserHomeDir", "UserConfigDir", "UserCacheDir",
	},
	"os/exec":       {"LookPath"},
	"log":           {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "SetOutput", "SetFlags", "SetPrefix", "Default"},
	"log/slog":      {"SetDefault", "SetLogLoggerLevel", "Debug", "Info", "Warn", "Error", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "Log", "LogAttrs"},
	"net/http":      {"Handle", "HandleFunc", "DefaultServeMux", "DefaultClient", "DefaultTransport", "ListenAndServe", "Get", "Post", "PostForm", "Head"},
	"runtime/debug": {"SetGCPercent", "SetMemoryLimit", "SetMaxStack", "SetMaxThreads", "SetPanicOnFault", "SetTraceback", "FreeOSMemory"},
	"mime":          {"AddExtensionType"},
	"database/sql":  {"Register"},
	"encoding/gob":  {"Register", "RegisterName"},
	"fmt":           {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"syscall":       {"Umask", "Setenv", "Getenv", "Exec"},
}

// allowedGlobal are the exceptions: what a package does with what belongs to the program, and why.
var allowedGlobal = map[string]string{
	"os.UserHomeDir": "FromEnvironment, which only programs call, is told of folders below ~",
	"messaging/client net/http.DefaultClient": "what a client asks with when it is given nothing else",
	"plugin/speech os/exec.LookPath":          "it finds the programs the host names",
	"plugin/speech os.Environ":                "programs it runs get PATH and the like from it",
}

// TestLibraryLeavesTheProgramAlone looks for uses of what belongs to the whole program in everything a host may import.
func TestLibraryLeavesTheProgramAlone(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	linked := []string{"-deps"}
	for _, p := range packages(t, "./...") {
		if name := strings.TrimPrefix(p.ImportPath, module); !strings.HasPrefix(name, "/internal/") && !strings.HasPrefix(name, "/examples/") {
			linked = append(linked, p.ImportPath)
		}
	}
	for _, p := range packages(t, linked...) {
		name, ours := strings.CutPrefix(p.ImportPath, module)
		if name = strings.TrimPrefix(name, "/"); !ours {
			continue
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for use, pos := range globals(f) {
				key := strings.TrimSpace(name + " " + use)
				if used[key] = true; allowedGlobal[key] == "" {
					t.Errorf("%s: %s is the program's, not a library's", fset.Position(pos), use)
				}
			}
		}
	}
	for key := range allowedGlobal {
		if !used[key] {
			t.Errorf("the exception %q is none any more", key)
		}
	}
}

// globals are the uses of global in a file, and functions called init.
func globals(f *ast.File) map[string]token.Pos {
	found, paths := map[string]token.Pos{}, map[string]string{}
	for _, imp := range f.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if paths[name] = path; slices.Equal(global[path], []string{"*"}) {
			found[path] = imp.Pos()
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				found["func init"] = n.Pos()
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(global[paths[x.Name]], n.Sel.Name) {
				found[paths[x.Name]+"."+n.Sel.Name] = n.Pos()
			}
		}
		return true
	})
	return found
}

// state is what of a program can be looked at.
type state struct {
	Pointers                   string // of the default logger, transport, client and mux
	LogPrefix, Dir             string
	LogFlags, Procs            int
	Flags, Environment, Routes []string
}

func programState(t *testing.T) state {
	t.Helper()
	s := state{
		Pointers: fmt.Sprintf("%p %p %p %p", slog.Default(), http.DefaultTransport, http.DefaultClient, http.DefaultServeMux),
		LogFlags: log.Flags(), LogPrefix: log.Prefix(), Procs: runtime.GOMAXPROCS(0), Environment: os.Environ(),
	}
	var err error
	if s.Dir, err = os.Getwd(); err != nil {
		t.Fatal(err)
	}
	flag.VisitAll(func(f *flag.Flag) { s.Flags = append(s.Flags, f.Name) })
	for _, path := range []string{"/", "/api/agents", "/media/x", "/socket.io/", "/health", "/debug/vars", "/debug/pprof/"} {
		if _, pattern := http.DefaultServeMux.Handler(httptest.NewRequest(http.MethodGet, path, nil)); pattern != "" {
			s.Routes = append(s.Routes, pattern)
		}
	}
	return s
}

func TestServersLeaveTheProgramAlone(t *testing.T) { // not parallel: it looks at what all tests share
	before := programState(t)
	for _, name := range before.Flags {
		if !strings.HasPrefix(name, "test.") && !strings.HasPrefix(name, "rapid.") && name != "update" {
			t.Errorf("an import brings the flag %s", name)
		}
	}
	if len(before.Routes) > 0 {
		t.Errorf("an import brings routes into the default mux: %v", before.Routes)
	}
	s := served(t, open(t, filepath.Join(t.TempDir(), "eliza.db"), eliza.WithPlugins(elizatest.Echo().Plugin(), openai.Plugin(openai.Options{})), eliza.WithPluginCatalog(speech.Plugin(speech.Options{}))))
	unhurt(t, s)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, programState(t)); diff != "" {
		t.Errorf("a server changed its program (-before +after):\n%s", diff)
	}
}
