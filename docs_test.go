package eliza_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheCodeInTheDocsCompiles builds each block of Go in README.md and docs. A block is a file, declarations or
// statements; imports are added, and the statements may use what scope declares.
func TestTheCodeInTheDocsCompiles(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by the name of a package
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range goBlocks(string(text)) {
			source, err := b.file(page)
			if err != nil {
				t.Errorf("%s:%d: %v", page, b.line, err)
			}
			sources[fmt.Sprintf("%s_%d", strings.TrimSuffix(filepath.Base(page), ".md"), b.line)] = source
		}
	}
	if len(sources) < 25 {
		t.Errorf("only %d blocks found", len(sources))
	}
	build(t, sources)
}

// build compiles packages of one file each as if they were in this module, where nothing is written.
func build(t *testing.T, sources map[string]string) {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), map[string]string{}
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, source := range sources {
		replace[filepath.Join(root, "docs", "code", name, "block.go")] = write(name+".go", source)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", write("overlay.json", string(overlay)), "./docs/code/...")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// TestTheLinksInTheDocsLeadSomewhere looks for the files that pages name.
func TestTheLinksInTheDocsLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "docs/*.md", "examples/*.md", "e2e/*.md"} {
		files, err := filepath.Glob(page)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", page, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllStringSubmatch(string(text), -1) {
				if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}

// goBlock is a block of Go on a page, and the line it begins at.
type goBlock struct {
	line int
	text string
}

func goBlocks(page string) (out []goBlock) {
	lines := strings.SplitAfter(page, "\n")
	for i := 0; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) != "```go" {
			continue
		}
		b := goBlock{line: i + 2}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			b.text += lines[i]
		}
		out = append(out, b)
	}
	return out
}

// scope is what statements find declared.
const scope = `
var (
	ctx         context.Context
	srv         *eliza.Server
	mux         *http.ServeMux
	web         *http.Server
	e           *echo.Echo
	log         *slog.Logger
	key         string
	agent, user eliza.UUID
	weather     plugin.Plugin
)
`

// file makes the block a file. Errors of the compiler name the page and the line in it.
func (b goBlock) file(page string) (string, error) {
	for _, form := range []struct{ before, after string }{
		{"", ""}, {"package code\n", "\n"}, {"package code\n" + scope + "func _() error {\n", "\nreturn nil\n}\n"},
	} {
		here := fmt.Sprintf("%s//line %s:%d\n", form.before, page, b.line)
		f, err := parser.ParseFile(token.NewFileSet(), "", here+b.text+form.after, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		if form.before == "" {
			return here + b.text, nil
		}
		return strings.Replace(here, "package code\n", "package code\n"+imports(f), 1) + b.text + form.after, nil
	}
	return "", fmt.Errorf("no file, declarations or statements of Go:\n%s", b.text)
}

// imports declares the packages a file selects from.
func imports(f *ast.File) string {
	known := map[string]string{"echo": "github.com/labstack/echo/v4", "gorm": "gorm.io/gorm"}
	for _, p := range strings.Fields("context database/sql encoding/json errors fmt io iter log/slog net/http net/netip os path/filepath strings testing time") {
		known[p[strings.LastIndexByte(p, '/')+1:]] = p
	}
	for p := range allowed {
		if strings.HasPrefix(p, "internal/") {
			continue // no host can import these
		}
		known[p[strings.LastIndexByte(p, '/')+1:]] = strings.TrimSuffix(module+"/"+p, "/")
	}
	known["eliza"] = module
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && known[x.Name] != "" {
				used[known[x.Name]] = true
			}
		}
		return true
	})
	out := ""
	for _, p := range slices.Sorted(maps.Keys(used)) {
		out += fmt.Sprintf("import %q\n", p)
	}
	return out
}
