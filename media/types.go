package media

import (
	"bytes"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/eliza-go/eliza/runtime/core"
)

// sniffed is how many of a file's first bytes are looked at.
const sniffed = 3072

var errType = &core.Error{Code: core.CodeInvalidFileType, Message: "Invalid file type"}

// accepted are the types that may be declared, with the extensions a file of the type may keep; the first is
// that of files with another one.
var accepted = map[string][]string{
	"audio/mpeg": {".mp3"}, "audio/mp3": {".mp3"},
	"audio/wav": {".wav"}, "audio/x-wav": {".wav"}, "audio/wave": {".wav"},
	"audio/ogg":  {".ogg", ".oga", ".opus"},
	"audio/webm": {".webm", ".weba"}, "video/webm": {".webm"},
	"audio/mp4": {".m4a", ".mp4"}, "video/mp4": {".mp4"},
	"audio/aac": {".aac"}, "audio/flac": {".flac"},
	"image/jpeg": {".jpg", ".jpeg"}, "image/png": {".png"}, "image/gif": {".gif"}, "image/webp": {".webp"},
	"application/pdf": {".pdf"},
	"text/plain":      {".txt", ".md", ".csv", ".log"},
}

// refused are the types of what a browser or a machine would run.
var refused = map[string]bool{
	"text/html": true, "application/xhtml+xml": true, "image/svg+xml": true, "text/x-php": true,
	"text/javascript": true, "text/x-lua": true, "text/x-perl": true, "text/x-python": true, "text/x-ruby": true,
	"text/x-shellscript": true, "text/x-tcl": true,
	"application/vnd.microsoft.portable-executable": true, "application/x-elf": true, "application/x-mach-binary": true,
	"application/wasm": true, "application/x-java-applet": true, "application/java-archive": true,
	"application/vnd.android.package-archive": true, "application/x-shockwave-flash": true, "application/x-chrome-extension": true,
	"application/x-ms-installer": true, "application/x-ms-shortcut": true, "application/vnd.debian.binary-package": true,
	"application/x-rpm": true,
}

// markup are the tags that make a document of XML one a browser runs.
var markup = [][]byte{[]byte("<script"), []byte("<svg"), []byte("<html"), []byte("<!doctype html"), []byte("<?xml-stylesheet"), []byte("xhtml")}

// declaredType is a MIME type without parameters; an error when we do not take such files.
func declaredType(header string) (string, error) {
	t, _, _ := strings.Cut(header, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if accepted[t] == nil {
		return "", errType
	}
	return t, nil
}

// realType is the type of a file of a declared type that begins with head. Of images it is what they are,
// whatever image is declared.
func realType(declared string, head []byte) (string, error) {
	is := contentTypes(head)
	for _, t := range is {
		if refused[t] {
			return "", errType.With("Files of this content are not accepted")
		}
	}
	begin := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(begin, []byte("#!/")) || bytes.HasPrefix(begin, []byte("#! /")) || bytes.HasPrefix(begin, []byte("<?php")) {
		return "", errType.With("Scripts are not accepted")
	}
	if slices.Contains(is, "text/xml") {
		lower := bytes.ToLower(head)
		if slices.ContainsFunc(markup, func(tag []byte) bool { return bytes.Contains(lower, tag) }) {
			return "", errType.With("Files of this content are not accepted")
		}
	}
	switch {
	case strings.HasPrefix(declared, "image/"):
		for _, t := range is {
			if decoders[t] != nil {
				return t, nil
			}
		}
		return "", errType.With("Not an image of the declared type")
	case declared == "application/pdf" && !bytes.HasPrefix(begin, []byte("%PDF-")):
		return "", errType.With("Not a PDF document")
	}
	return declared, nil
}

// contentTypes are the types of what begins with head, from the narrowest to the widest.
func contentTypes(head []byte) (all []string) {
	for m := mimetype.Detect(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))); m != nil; m = m.Parent() {
		t, _, _ := strings.Cut(m.String(), ";")
		all = append(all, t)
	}
	return all
}

// extension is the one a file of the type gets: the sender's, when it fits.
func extension(t, name string) string {
	may := accepted[t]
	if ext := strings.ToLower(path.Ext(name)); slices.Contains(may, ext) {
		return ext
	}
	return may[0]
}

const (
	octets  = "application/octet-stream"
	charset = "; charset=utf-8"
)

// served are the types files are served as, by extension. What is not here is [octets].
var served = map[string]string{
	".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".weba": "audio/webm",
	".m4a": "audio/mp4", ".aac": "audio/aac", ".flac": "audio/flac",
	".webm": "video/webm", ".mp4": "video/mp4", ".mov": "video/quicktime",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".bmp": "image/bmp", ".svg": "image/svg+xml",
	".pdf": "application/pdf", ".json": "application/json" + charset,
	".txt": "text/plain" + charset, ".log": "text/plain" + charset, ".md": "text/markdown" + charset, ".csv": "text/csv" + charset,
}

// servedType is the type a file is served as, and whether browsers may show it: not what could hold scripts.
func servedType(name string) (t string, inline bool) {
	t = served[strings.ToLower(path.Ext(name))]
	if t == "" {
		return octets, false
	}
	class, _, _ := strings.Cut(t, "/")
	switch class {
	case "image", "audio", "video", "text":
		return t, t != "image/svg+xml"
	}
	return t, t == "application/pdf"
}

// disposition is the Content-Disposition of a file.
func disposition(name string, inline bool) string {
	how := "attachment"
	if inline {
		how = "inline"
	}
	if v := mime.FormatMediaType(how, map[string]string{"filename": name}); v != "" {
		return v
	}
	return how
}
