package media

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxFields     = 20      // besides the file
	maxFieldBytes = 1 << 20 // of them together

	// formOverhead is by how much a multipart body may be larger than the file in it.
	formOverhead = maxFieldBytes + 64<<10
)

var (
	errNoUpload  = &core.Error{Code: core.CodeInvalidRequest, Message: "No file uploaded"}
	errMalformed = core.BadRequest("Malformed multipart body")
	errTwoFiles  = core.BadRequest("Expected one file, in the field file")
	errFields    = &core.Error{Code: core.CodePayloadTooLarge, Message: "The fields besides the file are too large"}
	errTooLarge  = &core.Error{Code: core.CodeFileTooLarge, Message: "File too large"}
)

// formFile is the file of a multipart body, read as it comes over the wire. Its end is the end of the whole
// form: [formFile.Read] returns [io.EOF] only when nothing that is wrong came after the file.
type formFile struct {
	Name string // as sent
	Type string // as declared, with parameters

	part  *multipart.Part
	form  *form
	limit int64 // bytes that may still come
	err   error // of the end
}

// fileOf finds the file of a multipart body, the only one and in the field "file", of at most limit bytes.
func fileOf(c echo.Context, limit int64) (*formFile, error) {
	req := c.Request()
	kind, params, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	if kind != echo.MIMEMultipartForm || req.ContentLength == 0 {
		return nil, errNoUpload
	}
	if err != nil || params["boundary"] == "" {
		return nil, errMalformed
	}
	if req.ContentLength > limit+formOverhead {
		return nil, errTooLarge
	}
	f := &form{body: req.Body, spare: formOverhead, left: maxFieldBytes}
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
func (f *formFile) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.part.Read(p)
	f.form.spare += int64(n)
	if f.limit -= int64(n); f.limit < 0 {
		f.err = errTooLarge
		return 0, f.err
	}
	if err == io.EOF {
		var second *formFile
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

// form is a multipart body. It reads no more than it has to spare besides the bytes of the file.
type form struct {
	body   io.Reader
	parts  *multipart.Reader
	spare  int64 // bytes of anything but the file that may still come
	fields int   // seen
	left   int64 // bytes of fields that may still come
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

// file skips fields up to the next file, nil at the end of the form.
func (f *form) file() (*formFile, error) {
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
			return &formFile{Name: name, Type: part.Header.Get(echo.HeaderContentType), part: part, form: f}, nil
		}
		if err := f.skip(part); err != nil {
			return nil, err
		}
	}
}

func (f *form) skip(part io.Reader) error {
	if f.fields++; f.fields > maxFields {
		return core.BadRequest("Too many fields besides the file")
	}
	n, err := io.Copy(io.Discard, io.LimitReader(part, f.left+1))
	if f.left -= n; err == nil && f.left < 0 {
		return errFields
	}
	if err != nil {
		return unreadable(err)
	}
	return nil
}

func unreadable(err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	return errMalformed.Wrap(err)
}
