package audio

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const maxUpload = MaxFile + httpapi.FormOverhead

var errFileType = &core.Error{Code: core.CodeInvalidFileType, Message: "Invalid audio file type"}

// upload is a form with a recording in it, which lies in a temporary file.
type upload struct {
	form *httpapi.FormFile
	file *tempFile
	name string
}

// Close removes the file.
func (u *upload) Close() error { return u.file.Close() }

// readUpload reads the form of a request; its file goes to a temporary one in dir. The caller closes what it
// returns.
func readUpload(r *http.Request, dir string) (*upload, error) {
	form, err := httpapi.FileOf(r, MaxFile)
	if err != nil {
		return nil, err
	}
	mimeType := declared(form.Type)
	if extensions(mimeType) == nil {
		return nil, errFileType
	}
	if strings.ContainsRune(form.Name, 0) {
		return nil, core.BadRequest("Invalid file name")
	}
	file, err := newTempFile(dir)
	if err != nil {
		return nil, err
	}
	u := &upload{form: form, file: file}
	if err := u.take(mimeType); err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

// take stores the file, looks at what it is and names it.
func (u *upload) take(mimeType string) error {
	if _, err := u.file.fill(u.form, MaxFile); err != nil {
		return err
	}
	found, err := mimetype.DetectReader(u.file)
	if err != nil {
		return err
	}
	if !audible(found) {
		return errFileType
	}
	u.name = fileName(u.form.Name, recorded(found, mimeType))
	_, err = u.file.Seek(0, io.SeekStart)
	return err
}
