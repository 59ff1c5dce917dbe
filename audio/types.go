package audio

import (
	"mime"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// extensions lists, by the types clients may declare, what files of it are called; the first is the usual one.
func extensions(mimeType string) []string {
	switch mimeType {
	case "audio/mpeg", "audio/mp3":
		return []string{".mp3"}
	case "audio/wav", "audio/x-wav", "audio/wave":
		return []string{".wav"}
	case "audio/ogg":
		return []string{".ogg", ".oga", ".opus"}
	case "audio/webm":
		return []string{".webm", ".weba"}
	case "audio/mp4":
		return []string{".m4a", ".mp4"}
	case "audio/aac":
		return []string{".aac"}
	case "audio/flac":
		return []string{".flac"}
	}
	return nil
}

// declared is the type a client names, without parameters.
func declared(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		t, _, _ = strings.Cut(contentType, ";")
	}
	return strings.ToLower(strings.TrimSpace(t))
}

// audible tells whether bytes found to be of a type can be a recording. Containers carry names of video types,
// and what is not recognised may be audio all the same: a model will tell.
func audible(found *mimetype.MIME) bool {
	name := declared(found.String())
	switch {
	case strings.HasPrefix(name, "audio/"), strings.HasPrefix(name, "video/"):
		return true
	}
	return name == "application/ogg" || name == "application/octet-stream" || name == "text/plain"
}

// recorded is the type of a recording: what its bytes are found to be, or else what the client declares.
func recorded(found *mimetype.MIME, mimeType string) string {
	for m := found; m != nil; m = m.Parent() {
		switch name := declared(m.String()); name {
		case "video/webm":
			return "audio/webm"
		case "video/mp4", "audio/x-m4a":
			return "audio/mp4"
		case "application/ogg":
			return "audio/ogg"
		case "audio/webm", "audio/mp4", "audio/ogg", "audio/wav", "audio/mpeg", "audio/flac", "audio/aac":
			return name
		}
	}
	return mimeType
}

// fileName is a name for a model, which may know the format by its extension: the client's without folders,
// with an extension that fits the type.
func fileName(name, mimeType string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || strings.ContainsRune(`"*<>?|:`, r) {
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(name, `\`, "/")))
	ext := path.Ext(name)
	stem := strings.Trim(strings.TrimSuffix(name, ext), ". /")
	if stem == "" {
		stem = "audio"
	}
	if r := []rune(stem); len(r) > 50 {
		stem = string(r[:50])
	}
	known := extensions(mimeType)
	if ext = strings.ToLower(ext); !slices.Contains(known, ext) {
		ext = known[0]
	}
	return stem + ext
}
