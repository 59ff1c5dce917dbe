package media

import (
	"context"
	"io"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Kind tells whose files they are.
type Kind string

// The kinds of files.
const (
	KindAgent     Kind = "agents"    // uploaded to an agent
	KindChannel   Kind = "channels"  // uploaded to a channel
	KindGenerated Kind = "generated" // made by an agent
)

// ErrNotFound answers a file that is not there.
var ErrNotFound = &core.Error{Code: core.CodeNotFound, Message: "File not found"}

// File is an uploaded file as its sender is told about it.
type File struct {
	URL          string `json:"url"`
	Type         string `json:"type"`         // MIME type, without parameters
	Filename     string `json:"filename"`     // of ours
	OriginalName string `json:"originalName"` // the sender's, without folders
	Size         int64  `json:"size"`
}

// Upload is a file that comes in.
type Upload struct {
	Kind  Kind
	Owner core.UUID // agent or channel
	Name  string    // as the sender calls it
	Type  string    // as the sender declares it
	Body  io.Reader // read once; an error other than io.EOF refuses the file
}

// Blob is a stored file. Who got it closes it.
type Blob struct {
	io.ReadSeekCloser
	Size     int64
	Modified time.Time
}

// Service keeps files. Implement it to replace it as a whole; [Blobs] to store them elsewhere.
type Service interface {
	// Upload checks a file and stores it as a whole, or not at all. An error that is nobody's but the store's
	// has code [core.CodeUpload].
	Upload(ctx context.Context, up Upload) (*File, error)
	// Open opens a stored file; [ErrNotFound] when there is none.
	Open(ctx context.Context, kind Kind, owner core.UUID, name string) (*Blob, error)
	// DeleteAgent removes all files of an agent, uploaded and generated. Repeating it is no error.
	DeleteAgent(ctx context.Context, id core.UUID) error
	// DeleteChannel removes all files of a channel. Repeating it is no error.
	DeleteChannel(ctx context.Context, id core.UUID) error
	// PublicURL is the address of a file of ours given by its place on this machine; other addresses are
	// returned as they are.
	PublicURL(address string) string
}

// Blobs is where the bytes of files lie. Names are never empty, hold no separators and do not begin with a
// dot. Implementations are safe for concurrent use.
type Blobs interface {
	// Save stores what r gives, durably. The file appears when r ended with [io.EOF] and all of it was written;
	// when either fails nothing stays behind, and an error of r's is in the chain of the one returned.
	Save(ctx context.Context, kind Kind, owner core.UUID, name string, r io.Reader) (size int64, err error)
	// Open opens a file; [ErrNotFound] when there is none.
	Open(ctx context.Context, kind Kind, owner core.UUID, name string) (*Blob, error)
	// Delete removes all files of an owner. To have none is no error.
	Delete(ctx context.Context, kind Kind, owner core.UUID) error
}

// Locator is implemented by [Blobs] whose files have a place on this machine, where plugins may write them.
type Locator interface {
	// Locate tells which file of ours an absolute path is.
	Locate(path string) (kind Kind, owner core.UUID, name string, ok bool)
}
