package eliza_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// scanned refuses files that a scanner of the program's own does not like.
type scanned struct{ media.Service }

func (s scanned) Upload(ctx context.Context, up media.Upload) (*media.File, error) {
	if strings.HasSuffix(up.Name, ".txt") {
		return nil, core.BadRequest("No texts today")
	}
	return s.Service.Upload(ctx, up)
}

// Every file passes here, whether a client uploads it or an agent makes it.
func ExampleWrapMedia() {
	srv, done := newServer(eliza.WrapMedia(func(s media.Service) media.Service { return scanned{s} }))
	defer done()
	form := strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n")
	req := httptest.NewRequest(http.MethodPost, "/api/media/channels/"+string(core.NewUUID())+"/upload-media", form)
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	rec := httptest.NewRecorder()
	srv.Handler().ServeHTTP(rec, req)
	fmt.Println(rec.Code)
	// Output: 400
}
