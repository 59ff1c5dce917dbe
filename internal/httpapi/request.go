package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

// UUIDParam reads a path parameter that must be an id. A value with a slash in it belongs to another,
// unknown path.
func UUIDParam(c echo.Context, name string) (core.UUID, error) {
	v := c.Param(name)
	if strings.Contains(v, "/") {
		return "", ErrNotFound
	}
	id, err := core.ParseUUID(v)
	if err != nil {
		return "", invalidID(name)
	}
	return id, nil
}

// UUIDQuery reads an optional query parameter that must be an id; "" when it is absent.
func UUIDQuery(c echo.Context, name string) (core.UUID, error) {
	v := c.QueryParam(name)
	if v == "" {
		return "", nil
	}
	id, err := core.ParseUUID(v)
	if err != nil {
		return "", invalidID(name)
	}
	return id, nil
}

func invalidID(name string) error {
	return &core.Error{Code: core.CodeInvalidID, Message: "Invalid " + name + " format"}
}

// Limit reads the query parameter "limit" (or the first present of other names): def when absent, not a
// whole number or less than 1; at most maximum.
func Limit(c echo.Context, def, maximum int, names ...string) int {
	for _, name := range append([]string{"limit"}, names...) {
		v := c.QueryParam(name)
		if v == "" {
			continue
		}
		n, err := strconv.Atoi(v)
		switch {
		case errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(v, "-"), err == nil && n > maximum:
			return maximum
		case err != nil || n < 1:
			return def
		}
		return n
	}
	return def
}

// Offset reads the query parameter "offset": 0 when absent or not a positive whole number.
func Offset(c echo.Context) int {
	n, err := strconv.Atoi(c.QueryParam("offset"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// TimeQuery reads an optional moment, epoch milliseconds or ISO-8601; 0 when absent.
func TimeQuery(c echo.Context, name string) (core.Millis, error) {
	v := c.QueryParam(name)
	if v == "" {
		return 0, nil
	}
	m, err := core.ParseTime(v)
	if err != nil {
		return 0, core.BadRequest("Invalid " + name + ", expected epoch milliseconds or ISO-8601")
	}
	return m, nil
}

// ErrContentType is the answer to a body that is not of a type the API reads.
var ErrContentType = &core.Error{Code: core.CodeInvalidContentType, Message: "Invalid or missing Content-Type header"}

// Decode reads a JSON object into v, a pointer to a struct, and checks its `validate` tags (go-playground/
// validator). Unknown fields are ignored. An absent body is an empty object.
func Decode(c echo.Context, v any) error {
	raw, err := Body(c)
	if err != nil {
		return err
	}
	return DecodeRaw(raw, v)
}

// DecodeRaw is [Decode] for a body read before.
func DecodeRaw(raw []byte, v any) error {
	if err := core.DecodeJSON(raw, v); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
			return core.BadRequest("Invalid field: " + e.Field + " must not be a " + e.Value)
		}
		if e, ok := errors.AsType[*core.Error](err); ok {
			return e
		}
		return core.BadRequest("Invalid JSON body").Wrap(err)
	}
	return Validate(v)
}

// Body reads the whole body, which must be one JSON object; "{}" when there is none. NUL characters in texts
// are dropped.
func Body(c echo.Context) ([]byte, error) {
	req := c.Request()
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, core.BadRequest("Cannot read the request body").Wrap(err)
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return []byte("{}"), nil
	}
	if t, _, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType)); err != nil || !strings.HasSuffix(t, "json") {
		return nil, ErrContentType
	}
	if raw[0] != '{' || !json.Valid(raw) {
		return nil, core.BadRequest("Invalid JSON body: expected an object")
	}
	if TooDeep(raw) {
		return nil, core.BadRequest("Invalid JSON body: nested too deeply")
	}
	return WithoutNUL(raw), nil
}

var structValidator = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	return v
})

// Validate checks the `validate` tags of a struct; the error names the first field that is wrong.
func Validate(v any) error {
	err := structValidator().Struct(v)
	if fields, ok := errors.AsType[validator.ValidationErrors](err); ok {
		f := fields[0]
		if f.Tag() == "required" {
			return core.BadRequest("Missing required field: " + f.Field())
		}
		return core.BadRequest("Invalid field: " + f.Field() + " (" + strings.TrimSuffix(f.Tag()+" "+f.Param(), " ") + ")")
	}
	return err
}

// ID is a required id in a request body: a text that is checked while it is decoded.
type ID core.UUID

// UnmarshalJSON accepts only a UUID; null and "" leave the id unset.
func (id *ID) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return &core.Error{Code: core.CodeInvalidID, Message: "Invalid id: expected a UUID"}
	}
	if s == "" {
		*id = ""
		return nil
	}
	u, err := core.ParseUUID(s)
	if err != nil {
		return &core.Error{Code: core.CodeInvalidID, Message: "Invalid id: expected a UUID"}
	}
	*id = ID(u)
	return nil
}
