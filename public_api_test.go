package eliza_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the listings of the public API anew")

// listings is the folder of the listings: one file a package.
const listings = "docs/api"

// TestPublicAPI compares what each package exports with its listing, so that no change of it goes unseen in review.
func TestPublicAPI(t *testing.T) {
	t.Parallel()
	stale := map[string]bool{}
	err := filepath.WalkDir(listings, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			stale[path] = true
		}
		return err
	})
	if err != nil && !*update {
		t.Fatal(err)
	}
	for _, p := range packages(t, "./...") {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(name, "internal/") || strings.HasPrefix(name, "examples/") {
			continue
		}
		if name == "" {
			name = "eliza"
		}
		path := filepath.Join(listings, filepath.FromSlash(name)+".txt")
		delete(stale, path)
		compareListing(t, path, listing(t, p))
	}
	for path := range stale {
		if *update {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
			continue
		}
		t.Errorf("%s lists a package that is no more; %s", path, rewrite)
	}
}

const rewrite = "when that is meant: go test -run TestPublicAPI -update ."

func compareListing(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v; %s", err, rewrite)
	} else if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the public API is not that of %s (-listed +now):\n%s%s", path, diff, rewrite)
	}
}

// listing is everything a package exports, each declaration without its comments and body.
func listing(t *testing.T, p listed) string {
	t.Helper()
	fset := token.NewFileSet()
	files := make([]*ast.File, len(p.GoFiles))
	for i, name := range p.GoFiles {
		var err error
		if files[i], err = parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	d, err := doc.NewFromFiles(fset, files, p.ImportPath)
	if err != nil {
		t.Fatal(err)
	}
	var consts, vars, funcs, types []string
	add := func(to *[]string, decl ast.Decl) { *to = append(*to, declaration(t, fset, decl)) }
	values := func(to *[]string, groups []*doc.Value) {
		for _, v := range groups {
			add(to, v.Decl)
		}
	}
	values(&consts, d.Consts)
	values(&vars, d.Vars)
	for _, f := range d.Funcs {
		add(&funcs, f.Decl)
	}
	for _, typ := range d.Types {
		values(&consts, typ.Consts)
		values(&vars, typ.Vars)
		for _, f := range typ.Funcs {
			add(&funcs, f.Decl)
		}
		block := []string{declaration(t, fset, typ.Decl)}
		for _, m := range typ.Methods {
			add(&block, m.Decl)
		}
		types = append(types, strings.Join(block, "\n"))
	}
	out := []string{"package " + d.Name + " // import " + p.ImportPath}
	for _, kind := range [][]string{consts, vars, funcs, types} {
		slices.Sort(kind)
		out = append(out, kind...)
	}
	return strings.Join(out, "\n\n") + "\n"
}

// declaration prints one without alignment: a longer name beside it changes nothing in a line.
func declaration(t *testing.T, fset *token.FileSet, decl ast.Decl) string {
	t.Helper()
	var b bytes.Buffer
	if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, fset, decl); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.NewReplacer("\xff", "", "\f", "\n").Replace(b.String()), "\n")
	for i, l := range lines {
		text := strings.TrimLeft(l, "\t\v")
		lines[i] = strings.Repeat("\t", len(l)-len(text)) + strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\v' || r == '\t' }), " ")
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}
