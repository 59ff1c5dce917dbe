package storage

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// jsonColumn keeps a value as JSON text.
type jsonColumn[T any] struct{ V T }

// Value implements [driver.Valuer].
func (c jsonColumn[T]) Value() (driver.Value, error) {
	b, err := core.EncodeJSON(c.V)
	return string(b), err
}

// Scan implements sql.Scanner.
func (c *jsonColumn[T]) Scan(src any) error { return scanJSON(src, &c.V) }

// GormDataType tells GORM that the struct is one column.
func (jsonColumn[T]) GormDataType() string { return "json" }

// jsonMap keeps a JSON object; nil is NULL.
type jsonMap map[string]any

// Value implements [driver.Valuer].
func (m jsonMap) Value() (driver.Value, error) {
	if m == nil {
		return nil, nil
	}
	b, err := core.EncodeJSON(map[string]any(m))
	return string(b), err
}

// Scan implements sql.Scanner.
func (m *jsonMap) Scan(src any) error { return scanJSON(src, (*map[string]any)(m)) }

// GormDataType tells GORM that the map is one column.
func (jsonMap) GormDataType() string { return "json" }

// jsonIDs keeps a list of ids.
type jsonIDs []core.UUID

// Value implements [driver.Valuer].
func (l jsonIDs) Value() (driver.Value, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	b, err := core.EncodeJSON([]core.UUID(l))
	return string(b), err
}

// Scan implements sql.Scanner.
func (l *jsonIDs) Scan(src any) error { return scanJSON(src, (*[]core.UUID)(l)) }

// GormDataType tells GORM that the list is one column.
func (jsonIDs) GormDataType() string { return "json" }

// decodeJSON is core.DecodeJSON, without its detour for types that decode themselves.
func decodeJSON(b []byte, dst any) error {
	if u, ok := dst.(json.Unmarshaler); ok {
		return u.UnmarshalJSON(b)
	}
	return core.DecodeJSON(b, dst)
}

func scanJSON(src, dst any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
		return decodeJSON([]byte(v), dst)
	case []byte:
		return decodeJSON(v, dst)
	}
	return fmt.Errorf("storage: a JSON column holds a %T", src)
}

// likeEscape makes s match itself in LIKE … ESCAPE '\'.
func likeEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// wrap is the border: errors of GORM and the driver do not cross it.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*core.Error](err); ours {
		return err
	}
	err = fmt.Errorf("storage: %s: %w", doing, err)
	text := err.Error()
	switch {
	case isDuplicate(err):
		return &core.Error{Code: core.CodeConflict, Message: "Already exists", Err: err}
	case strings.Contains(text, "database or disk is full"), strings.Contains(text, "SQLITE_FULL"):
		return &core.Error{Code: core.CodeStorageFull, Message: "The storage is full", Err: err}
	case strings.Contains(text, "SQLITE_BUSY"), strings.Contains(text, "database is locked"):
		return &core.Error{Code: core.CodeUnavailable, Message: "The database is busy", RetryAfter: time.Second, Err: err}
	case strings.Contains(text, "sql: database is closed"):
		return &core.Error{Code: core.CodeUnavailable, Message: "The database is closed", Err: err}
	}
	return err
}
