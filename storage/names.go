package storage

import (
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// prefixes is what a TablePrefix may be: small letters, so that two of them differ on every database, and
// short enough for the names of PostgreSQL.
var prefixes = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,29}$`)

func checkPrefix(p string) error {
	if p != "" && (!prefixes.MatchString(p) || strings.HasPrefix(p, "sqlite_") || strings.HasPrefix(p, "pg_")) {
		return fmt.Errorf("storage: TablePrefix %q: at most 30 small letters, digits and underscores, not beginning with a digit, sqlite_ or pg_", p)
	}
	return nil
}

// made finds what a migration makes in the database.
var made = regexp.MustCompile(`(?m)^\s*CREATE (?:UNIQUE |VIRTUAL )?(?:TABLE|INDEX|TRIGGER|VIEW) (?:IF NOT EXISTS )?(\w+)|RENAME TO (\w+)`)

// ownNames are the names of all tables, indexes and triggers that are ours, without prefix, each with the
// number of the migration that makes it.
var ownNames = sync.OnceValues(func() (map[string]int64, error) {
	names := map[string]int64{}
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		b, err := fs.ReadFile(migrations, file)
		if err != nil {
			return nil, err
		}
		up, _, _ := strings.Cut(string(b), "-- +goose Down")
		var number int64
		if _, err := fmt.Sscanf(file[strings.LastIndexByte(file, '/')+1:], "%d_", &number); err != nil {
			return nil, fmt.Errorf("storage: migration %s has no number: %w", file, err)
		}
		for _, m := range made.FindAllStringSubmatch(up, -1) {
			if name := m[1] + m[2]; names[name] == 0 {
				names[name] = number
			}
		}
	}
	return names, nil
})

// renamer puts a prefix before our names in statements. nil leaves everything as it is.
type renamer struct {
	prefix string
	names  map[string]int64
}

func newRenamer(prefix string) (*renamer, error) {
	if prefix == "" {
		return nil, nil
	}
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	names, err := ownNames()
	return &renamer{prefix, names}, err
}

// table is the name of a table of ours.
func (r *renamer) table(name string) string {
	if r == nil {
		return name
	}
	return r.prefix + name
}

// versions is the name of the table of migrations.
func (r *renamer) versions() string {
	if r == nil {
		return schemaTable
	}
	return r.prefix + "schema_version"
}

// statement puts the prefix before every name of ours that is a whole word, quoted as an identifier or not.
// Texts, comments and what follows a dot, a column, stay as they are.
func (r *renamer) statement(s string) string {
	var b strings.Builder
	done := 0 // up to where s is in b
	for i := 0; i < len(s); {
		end := i + 1
		switch c := s[i]; {
		case wordByte(c):
			for end < len(s) && wordByte(s[end]) {
				end++
			}
			if r.isName(s, i, i, end) {
				b.WriteString(s[done:i])
				b.WriteString(r.prefix)
				done = i
			}
		case c == '`' || c == '"':
			end = after(s, i+1, s[i:i+1])
			if r.isName(s, i, i+1, end-1) {
				b.WriteString(s[done : i+1])
				b.WriteString(r.prefix)
				done = i + 1
			}
		case c == '\'':
			end = after(s, i+1, "'")
		case c == '-' && strings.HasPrefix(s[i:], "--"):
			end = after(s, i, "\n")
		case c == '/' && strings.HasPrefix(s[i:], "/*"):
			end = after(s, i+2, "*/")
		}
		i = end
	}
	if done == 0 && b.Len() == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// isName tells whether s[from:to], which begins at start with its quote, is a name of ours.
func (r *renamer) isName(s string, start, from, to int) bool {
	if from >= to || start > 0 && s[start-1] == '.' {
		return false
	}
	_, ours := r.names[s[from:to]]
	return ours
}

// after is where s goes on behind the next end, or its own end.
func after(s string, from int, end string) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// wordByte tells whether c may be in a name without quotes.
func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// files are migrations with the prefix in them.
func (r *renamer) files(plain fs.FS) fs.FS {
	if r == nil {
		return plain
	}
	return renamedFiles{plain, r}
}

type renamedFiles struct {
	fs.FS
	names *renamer
}

// Open implements [fs.FS].
func (f renamedFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	b, err := io.ReadAll(file)
	return renamedFile{file, strings.NewReader(f.names.statement(string(b)))}, err
}

type renamedFile struct {
	fs.File
	content io.Reader
}

// Read implements [fs.File].
func (f renamedFile) Read(p []byte) (int, error) { return f.content.Read(p) }

// pool is p for statements of ours.
func (r *renamer) pool(p gorm.ConnPool) gorm.ConnPool {
	if r == nil {
		return p
	}
	if t, ok := p.(tx); ok {
		return &renamedTx{renamed{p, r}, t}
	}
	return renamed{p, r}
}
