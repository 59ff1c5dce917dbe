package httpapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxFields     = 20      // besides the file
	maxFieldBytes = 1 << 20 // of them together

	// FormOverhead is by how much a multipart body may be larger than the file in it.
	FormOverhead = maxFieldBytes + 64<<10
)

var (
	errNoUpload  = &core.Error{Code: core.CodeInvalidRequest, Message: "No file uploaded"}
	errMalformed = core.BadRequest("Malformed multipart body")
	errTwoFiles  = core.BadRequest("Expected one file, in the field file")
	errFields    = &core.Error{Code: core.CodePayloadTooLarge, Message: "The fields besides the file are too large"}
	errFileSize  = &core.Error{Code: core.CodeFileTooLarge, Message: "File too large"}
)

// FormFile is the file of a multipart body, read as it comes over the wire. Its end is the end of the whole
// form: [FormFile.Read] returns [io.EOF] only when nothing that is wrong came after the file.
type FormFile struct {
	Name string // as sent
	Type string // as declared, with parameters

	part  *multipart.Part
	form  *form
	limit int64 // bytes that may still come
	err   error // of the end
}

// IsForm tells whether a request carries a form that may hold files.
func IsForm(req *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	return kind == echo.MIMEMultipartForm
}

// FileOf finds the file of a multipart body, the only one and in the field "file", of at most limit bytes.
func FileOf(req *http.Request, limit int64) (*FormFile, error) {
	kind, params, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	if kind != echo.MIMEMultipartForm || req.ContentLength == 0 {
		return nil, errNoUpload
	}
	if err != nil || params["boundary"] == "" {
		return nil, errMalformed
	}
	if req.ContentLength > limit+FormOverhead {
		return nil, errFileSize
	}
	f := &form{body: req.Body, spare: FormOverhead, left: maxFieldBytes, fields: map[string]string{}}
	f.parts = multipart.NewReader(f, params["boundary"])
	file, err := f.file()
	if err == nil && file == nil {
		err = errNoUpload
	}
	if err != nil {
		return nil, err
	}
	file.limit = limit
	return file, nil
}

// Read implements [io.Reader].
func (f *FormFile) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.part.Read(p)
	f.form.spare += int64(n)
	if f.limit -= int64(n); f.limit < 0 {
		f.err = errFileSize
		return 0, f.err
	}
	if err == io.EOF {
		var second *FormFile
		switch second, f.err = f.form.file(); {
		case second != nil:
			f.err = errTwoFiles
		case f.err == nil:
			f.err = io.EOF
		}
	} else if err != nil {
		f.err = unreadable(err)
	}
	return n, f.err
}

// Field is the text of a field, the first of that name; "" when there is none. Fields that come after the
// file are known once it was read to its end.
func (f *FormFile) Field(name string) string { return f.form.fields[name] }

// form is a multipart body. It reads no more than it has to spare besides the bytes of the file.
type form struct {
	body   io.Reader
	parts  *multipart.Reader
	spare  int64 // bytes of anything but the file that may still come
	seen   int   // fields
	left   int64 // bytes of fields that may still come
	fields map[string]string
}

// Read implements [io.Reader], for the multipart reader.
func (f *form) Read(p []byte) (int, error) {
	if f.spare <= 0 {
		return 0, errFields
	}
	n, err := f.body.Read(p[:min(int64(len(p)), f.spare)])
	f.spare -= int64(n)
	return n, err
}

// file reads fields up to the next file, nil at the end of the form.
func (f *form) file() (*FormFile, error) {
	for {
		part, err := f.parts.NextRawPart()
		if err == io.EOF { // a form that was cut wraps it
			return nil, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		_, params, err := mime.ParseMediaType(part.Header.Get(echo.HeaderContentDisposition))
		if err != nil {
			return nil, errMalformed.Wrap(err)
		}
		if name := params["filename"]; name != "" {
			if params["name"] != "file" {
				return nil, errTwoFiles
			}
			return &FormFile{Name: name, Type: part.Header.Get(echo.HeaderContentType), part: part, form: f}, nil
		}
		if err := f.field(params["name"], part); err != nil {
			return nil, err
		}
	}
}

func (f *form) field(name string, part io.Reader) error {
	if f.seen++; f.seen > maxFields {
		return core.BadRequest("Too many fields besides the file")
	}
	b, err := io.ReadAll(io.LimitReader(part, f.left+1))
	if f.left -= int64(len(b)); err == nil && f.left < 0 {
		return errFields
	}
	if err != nil {
		return unreadable(err)
	}
	if _, twice := f.fields[name]; !twice && utf8.Valid(b) {
		f.fields[name] = strings.ReplaceAll(string(b), "\x00", "")
	}
	return nil
}

// unreadable says what it means that a form could not be read to its end.
func unreadable(err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errFileSize
	}
	return errMalformed.Wrap(err)
}
