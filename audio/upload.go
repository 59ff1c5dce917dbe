package audio

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxFields     = 20      // besides the file
	maxFieldBytes = 1 << 20 // of all of them together
	formOverhead  = 256 << 10
	maxUpload     = MaxFile + maxFieldBytes + formOverhead
)

var (
	errNoFile   = invalid("No audio file provided")
	errTooLarge = &core.Error{Code: core.CodeFileTooLarge, Message: "File too large", Details: "limit is 52428800 bytes"}
	errFileType = &core.Error{Code: core.CodeInvalidFileType, Message: "Invalid audio file type"}
	errForm     = core.BadRequest("Cannot read the form")
)

// upload is a form with a recording in it.
type upload struct {
	file   *tempFile
	name   string
	fields map[string]string
}

// Close removes the file.
func (u *upload) Close() error {
	if u.file == nil {
		return nil
	}
	return u.file.Close()
}

// isForm tells whether a request carries a form with files.
func isForm(r *http.Request) bool {
	return declared(r.Header.Get("Content-Type")) == "multipart/form-data"
}

// readUpload reads the form of a request; its file goes to a temporary one in dir. The caller closes what it
// returns.
func readUpload(r *http.Request, dir string) (*upload, error) {
	if !isForm(r) {
		return nil, errNoFile
	}
	if r.ContentLength > maxUpload {
		return nil, errTooLarge
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, errForm.Wrap(err)
	}
	u := &upload{fields: map[string]string{}}
	if err := u.read(form, dir); err != nil {
		return nil, errors.Join(err, u.Close())
	}
	if u.file == nil {
		return nil, errNoFile
	}
	return u, nil
}

func (u *upload) read(form *multipart.Reader, dir string) error {
	left := int64(maxFieldBytes)
	for n := 0; ; n++ {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return unreadable(err)
		case part.FileName() != "":
			n-- // files do not count as fields
			if part.FormName() != "file" || u.file != nil {
				return core.BadRequest("Expected exactly one file, in the field file")
			}
			err = u.take(part, dir)
		case n >= maxFields:
			return core.BadRequest("Too many fields in the form")
		default:
			err = u.field(part, &left)
		}
		if err != nil {
			return err
		}
	}
}

// take stores the file and looks at what it is.
func (u *upload) take(part *multipart.Part, dir string) (err error) {
	mimeType := declared(part.Header.Get("Content-Type"))
	if extensions(mimeType) == nil {
		return errFileType
	}
	if strings.ContainsRune(part.FileName(), 0) {
		return core.BadRequest("Invalid file name")
	}
	if u.file, err = newTempFile(dir); err != nil {
		return err
	}
	if _, err := u.file.fill(part, MaxFile); err != nil {
		return unreadable(err)
	}
	found, err := mimetype.DetectReader(u.file)
	if err != nil {
		return err
	}
	if !audible(found) {
		return errFileType
	}
	u.name = fileName(part.FileName(), mimeType)
	_, err = u.file.Seek(0, io.SeekStart)
	return err
}

func (u *upload) field(part *multipart.Part, left *int64) error {
	b, err := io.ReadAll(io.LimitReader(part, *left+1))
	if err != nil {
		return unreadable(err)
	}
	if *left -= int64(len(b)); *left < 0 {
		return &core.Error{Code: core.CodePayloadTooLarge, Message: "The fields of the form are too large"}
	}
	name := part.FormName()
	if _, twice := u.fields[name]; !twice && name != "" && utf8.Valid(b) {
		u.fields[name] = strings.ReplaceAll(string(b), "\x00", "")
	}
	return nil
}

// unreadable says what it means that a form could not be read to its end.
func unreadable(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, errTooMuch) {
		return errTooLarge
	}
	if core.CodeOf(err) == core.CodeStorageFull {
		return err
	}
	return errForm.Wrap(err)
}
