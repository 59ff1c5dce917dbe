package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/joho/godotenv"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxVariables = 500
	maxVariable  = 32 << 10 // bytes of one value
)

var (
	errNoEnvFile  = &core.Error{Code: core.CodeNotFound, Message: "This server has no env file"}
	errEnvFile    = &core.Error{Code: core.CodeConflict, Message: "The env file cannot be read as variables"}
	errEnvContent = &core.Error{Code: core.CodeInvalidInput, Message: "Invalid input: content must be an object"}
)

type envRequest struct {
	Content json.RawMessage `json:"content"`
	Merge   bool            `json:"merge"`
}

// guardEnv refuses who may not see the env file.
func (h *Handler) guardEnv(r *http.Request) error {
	switch {
	case h.opts.Environment == "production" && !h.isOperator(r):
		return errProduction
	case !h.mayOperate(r):
		return errNotLocal
	case h.opts.EnvFile == "":
		return errNoEnvFile
	}
	return nil
}

func (h *Handler) readEnv(c echo.Context) error {
	if err := h.guardEnv(c.Request()); err != nil {
		return err
	}
	vars, err := h.env.variables()
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return httpapi.Superset(c, http.StatusOK, vars)
}

func (h *Handler) writeEnv(c echo.Context) error {
	if err := h.guardEnv(c.Request()); err != nil {
		return err
	}
	var req envRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	vars, err := envContent(req.Content)
	if err != nil {
		return err
	}
	if err := h.env.set(vars, req.Merge); err != nil {
		return err
	}
	const done = "Local env updated"
	return httpapi.JSON(c, http.StatusOK, map[string]any{"success": true, "message": done, "data": map[string]any{"message": done}})
}

// envContent reads the variables of a request.
func envContent(raw json.RawMessage) (map[string]string, error) {
	var content map[string]any
	if len(raw) == 0 || raw[0] != '{' || core.DecodeJSON(raw, &content) != nil {
		return nil, errEnvContent
	}
	vars := make(map[string]string, len(content))
	for name, v := range content {
		if !isEnvName(name) {
			return nil, errEnvContent.With("Invalid input: " + strconv.Quote(shorten(name)) + " is no name of a variable")
		}
		switch v := v.(type) {
		case nil:
			vars[name] = ""
		case string:
			vars[name] = v
		case bool:
			vars[name] = strconv.FormatBool(v)
		case json.Number:
			vars[name] = v.String()
		default:
			return nil, errEnvContent.With("Invalid input: " + name + " must be a text, a number, a boolean or null")
		}
		if len(vars[name]) > maxVariable {
			return nil, errEnvContent.With("Invalid input: " + name + " is larger than 32 KiB")
		}
	}
	return vars, nil
}

// envFile is a file of variables. Safe for concurrent use.
type envFile struct {
	path string
	mu   sync.Mutex
}

// variables are those that clients can name; none while there is no file.
func (f *envFile) variables() (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, vars, err := f.read()
	maps.DeleteFunc(vars, func(name, _ string) bool { return !isEnvName(name) })
	return vars, err
}

// set replaces all variables that clients can name, or with merge those of the same names.
func (f *envFile) set(vars map[string]string, merge bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, have, err := f.read()
	if err != nil {
		return err
	}
	want, named := maps.Clone(vars), len(vars)
	for name, v := range have {
		if _, given := vars[name]; given {
			continue
		}
		switch {
		case isEnvName(name):
			if merge {
				want[name] = v
				named++
			}
		case isKeptName(name):
			want[name] = v
		}
	}
	if named > maxVariables {
		return errEnvContent.With("Invalid input: at most 500 variables")
	}
	edited, err := editEnv(text, have, want)
	if err != nil {
		return err
	}
	return f.write(edited)
}

// read returns the file's text and variables. The parser's own error is not passed on: it quotes the file.
func (f *envFile) read() (string, map[string]string, error) {
	b, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("runtime: read env file: %w", err)
	}
	vars, err := godotenv.UnmarshalBytes(b)
	if err != nil {
		return "", nil, errEnvFile
	}
	return string(b), vars, nil
}

// write replaces the file in one step, readable by its owner only. A link to it stays one.
func (f *envFile) write(text string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("runtime: write env file: %w", err)
		}
	}()
	path := f.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".env-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
