package media

import (
	"crypto/rand"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxOriginal = 255 // characters of a sender's file name that are kept
	maxName     = 255 // bytes of a name in a folder
)

var errName = core.BadRequest("Invalid file name")

// ValidName tells whether a file may have this name: it cannot lead to another folder or to a hidden file.
func ValidName(name string) bool {
	return name != "" && len(name) <= maxName && name[0] != '.' && !strings.Contains(name, "..") && !strings.ContainsAny(name, "/\\\x00") && filepath.IsLocal(name)
}

// newName is a name nobody can guess.
func newName(now core.Millis, ext string) string {
	return strconv.FormatInt(int64(now), 10) + "-" + strings.ToLower(rand.Text()) + ext
}

// originalName is the name of the sender's file without its folders.
func originalName(sent string) (string, error) {
	if strings.Contains(sent, "..") || strings.Contains(sent, "\x00") {
		return "", errName
	}
	name := strings.ToValidUTF8(sent[strings.LastIndexAny(sent, `/\`)+1:], "\uFFFD")
	if r := []rune(name); len(r) > maxOriginal {
		name = string(r[:maxOriginal])
	}
	if name == "" {
		return "", errName
	}
	return name, nil
}
