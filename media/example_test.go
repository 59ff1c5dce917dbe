package media_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// Uploads on a router of your own: files go into a folder, and nobody has to know agents.
func Example() {
	dir, err := os.MkdirTemp("", "media")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	files := media.New(media.NewFolder(media.DataDirs(dir)), media.Options{})
	handler := media.NewHandler(files, nil, media.HandlerOptions{MaxUpload: 10 << 20})
	e := echo.New()
	handler.Routes(e.Group("/upload")) // put your own check of who may do that in front
	handler.FileRoutes(e.Group("/media"))

	// What a browser sends.
	owner := core.NewUUID()
	contentType, body := picture()
	req := httptest.NewRequest(http.MethodPost, "/upload/agents/"+string(owner)+"/upload-media", body)
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	var file media.File
	if err := json.Unmarshal(rec.Body.Bytes(), &file); err != nil {
		panic(err)
	}
	fmt.Println(rec.Code, file.OriginalName, file.Type, file.Size)

	rec = httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, file.URL, nil))
	fmt.Println(rec.Code, rec.Header().Get("Content-Type"), rec.Body.Len())
	// Output:
	// 200 dot.gif image/gif 35
	// 200 image/gif 35
}

// picture is a form with an image of one pixel.
func picture() (contentType string, body io.Reader) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="dot.gif"`}, "Content-Type": {"image/gif"},
	})
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(part, "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	_ = form.Close()
	return form.FormDataContentType(), &b
}
