package media_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eliza-go/eliza/media"
)

// listen serves over the network. When the server is closed all its handlers have ended.
func (s *server) listen(t *testing.T) *httptest.Server {
	t.Helper()
	var running sync.WaitGroup
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		s.http.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { srv.Close(); running.Wait() })
	return srv
}

const (
	opening = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big.txt\"\r\nContent-Type: text/plain\r\n\r\n"
	closing = "\r\n--b--\r\n"
)

// zeros is that many bytes.
func zeros(n int64) io.Reader {
	return io.LimitReader(readerFunc(func(p []byte) (int, error) { clear(p); return len(p), nil }), n)
}

// postZeros uploads a file of n bytes without having it in memory; with chunked its length is not told.
func postZeros(t *testing.T, url string, n int64, chunked bool) (status int, body map[string]any, closed bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, io.MultiReader(bytes.NewReader([]byte(opening)), zeros(n), bytes.NewReader([]byte(closing))))
	check(t, err)
	req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if !chunked {
		req.ContentLength = n + int64(len(opening)+len(closing))
	}
	tr := &http.Transport{WriteBufferSize: 64 << 10}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	check(t, err)
	defer func() { check(t, res.Body.Close()) }()
	check(t, json.NewDecoder(res.Body).Decode(&body))
	return res.StatusCode, body, res.Close
}

// TestLargestUpload is not parallel: it measures the heap.
func TestLargestUpload(t *testing.T) {
	s := start(t, media.HandlerOptions{})
	srv := s.listen(t)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop := make(chan struct{})
	var sampler sync.WaitGroup
	sampler.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	status, body, _ := postZeros(t, srv.URL+toAda, media.DefaultMaxUpload, false)
	close(stop)
	sampler.Wait()
	if status != 200 || body["size"] != float64(media.DefaultMaxUpload) {
		t.Fatalf("got %d %v", status, body)
	}
	grown := int64(peak.Load()) - int64(before.HeapAlloc)
	t.Logf("heap grew by %d KiB at most", grown>>10)
	if grown > 10<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	files := s.stored()
	if len(files) != 1 {
		t.Fatalf("stored: %q", files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Size() != media.DefaultMaxUpload {
		t.Errorf("%v, %v", info, err)
	}
}

func TestOneByteMore(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	srv := s.listen(t)
	for _, chunked := range []bool{false, true} {
		status, body, _ := postZeros(t, srv.URL+toAda, media.DefaultMaxUpload+1, chunked)
		if detail, _ := body["error"].(map[string]any); status != 413 || detail["code"] != "FILE_TOO_LARGE" {
			t.Errorf("chunked %v: got %d %v", chunked, status, body)
		}
		s.empty()
	}
}

// raw sends a request by hand: its head first, then body until the answer is there, and returns the answer.
func raw(t *testing.T, srv *httptest.Server, length int64, body io.Reader) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	check(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n", toAda, length)
	check(t, err)
	_, err = io.Copy(conn, body)
	check(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	check(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestTooLargeIsSeenInTheHead(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	srv := s.listen(t)
	res := raw(t, srv, 100<<20, bytes.NewReader(nil)) // nothing of the body was sent
	var body struct {
		Error struct{ Code string }
	}
	check(t, json.NewDecoder(res.Body).Decode(&body))
	if res.StatusCode != 413 || body.Error.Code != "FILE_TOO_LARGE" || !res.Close {
		t.Errorf("got %d %+v, closing %v", res.StatusCode, body, res.Close)
	}
	s.empty()
}

// TestRefusedInTheMiddle sends more than the server reads; the answer arrives all the same.
func TestRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{MaxUpload: 1 << 20})
	srv := s.listen(t)
	sent := io.MultiReader(bytes.NewReader([]byte(opening)), zeros(1<<20+100))
	if res := raw(t, srv, 2<<20, sent); res.StatusCode != 413 || !res.Close {
		t.Errorf("got %d, closing %v", res.StatusCode, res.Close)
	}
	s.empty()
}

func TestCutConnectionLeavesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	srv := s.listen(t)
	for _, sent := range []int64{0, 10, 5000, 1 << 20} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		check(t, err)
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s", toHall, 10<<20, opening)
		check(t, err)
		_, err = io.Copy(conn, zeros(sent))
		check(t, err)
		if sent == 1<<20 { // the upload is under way
			waitFor(t, func() bool {
				found, err := filepath.Glob(filepath.Join(s.dirs.Channels, string(hall), ".upload-*"))
				return err == nil && len(found) == 1
			})
		}
		check(t, conn.Close())
	}
	waitFor(t, func() bool { return len(s.stored()) == 0 })
	srv.CloseClientConnections()
	srv.Close()
	s.empty()
}

// waitFor polls until something another goroutine does is done.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

func TestConcurrentUploadsAndDeletion(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				a := s.send(toHall, upload("a.png", "image/png", pngFile(t)))
				if a.Code != 200 && a.code() != "UPLOAD_ERROR" { // its folder was deleted meanwhile
					t.Errorf("got %d %s", a.Code, a.Body)
				}
			}
		})
	}
	for range 20 {
		if err := s.svc.DeleteChannel(t.Context(), hall); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	check(t, s.svc.DeleteChannel(t.Context(), hall))
	s.empty()
}
