package media_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// A file without HTTP: the content decides what it is, whatever its name says.
func ExampleManager_Upload() {
	dir, err := os.MkdirTemp("", "media")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	files := media.New(media.NewFolder(media.DataDirs(dir)), media.Options{PublicPath: "/ai"})
	ctx, agent := context.Background(), core.NewUUID()

	file, err := files.Upload(ctx, media.Upload{Kind: media.KindAgent, Owner: agent, Name: "notes.txt", Type: "text/plain", Body: strings.NewReader("Remember the milk.")})
	if err != nil {
		panic(err)
	}
	blob, err := files.Open(ctx, media.KindAgent, agent, file.Filename)
	if err != nil {
		panic(err)
	}
	defer blob.Close()
	text, err := io.ReadAll(blob)
	fmt.Println(strings.HasPrefix(file.URL, "/ai/media/uploads/agents/"+string(agent)), string(text), err)
	// Output: true Remember the milk. <nil>
}
