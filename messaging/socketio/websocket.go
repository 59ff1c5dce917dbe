package socketio

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	readBuffer  = 512 // small: there is one for each connection, and large messages pass it by
	writeBuffer = 4096
	batchFrom   = 8 // packets; fewer are written one by one, as they would be without a backlog
)

// wsConn is one WebSocket. Its reader owns it and closes it; at most one writer runs beside.
type wsConn struct {
	ws      *websocket.Conn
	out     *batchConn
	code    int // of the closure, none when 0; guarded by session.mu
	writers sync.WaitGroup
}

// accept makes a WebSocket of the request. It has answered the client when it fails.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (*wsConn, error) {
	hijack := &hijacker{ResponseWriter: w, pool: &s.batches}
	ws, err := s.upgrader.Upgrade(hijack, r, nil)
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(s.opts.MaxPayload)
	return &wsConn{ws: ws, out: hijack.conn}, nil
}

// read feeds the session until the connection ends, and closes it. It is the connection's one goroutine.
func (e *session) read(c *wsConn) {
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			e.close(ending{reason: readReason(err), drop: true})
			c.finish(err)
			return
		}
		if !e.open() {
			continue // closed by us: wait for the client to hang up
		}
		f := frame{kind: engineMessage, binary: true, data: data}
		if kind == websocket.TextMessage {
			if f, err = textFrame(data); err != nil {
				e.close(ending{reason: reasonParseError})
				continue
			}
		}
		if end := e.receive(f); end != nil {
			e.close(*end)
		}
	}
}

func readReason(err error) string {
	if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) || errors.Is(err, io.EOF) {
		return reasonTransportClose
	}
	return reasonTransportError
}

// write sends what is queued and ends when there is no more.
func (e *session) write(c *wsConn) {
	defer c.writers.Done()
	for {
		e.mu.Lock()
		e.q.done()
		e.roomy()
		batch := e.q.take()
		if len(batch) == 0 {
			e.writing = false
			closed, code := !e.open(), c.code
			e.mu.Unlock()
			if closed {
				c.farewell(code)
			}
			return
		}
		e.mu.Unlock()
		if err := c.write(batch); err != nil {
			c.cut()
			e.close(ending{reason: reasonTransportClose, drop: true})
		}
	}
}

func (c *wsConn) write(batch []queued) error {
	if len(batch) >= batchFrom {
		c.out.hold()
	}
	for _, it := range batch {
		if err := c.ws.WriteMessage(websocket.TextMessage, it.text); err != nil {
			return errors.Join(err, c.out.flush())
		}
		for _, b := range it.bin {
			if err := c.ws.WriteMessage(websocket.BinaryMessage, b); err != nil {
				return errors.Join(err, c.out.flush())
			}
		}
	}
	return c.out.flush()
}

// farewell sends the close frame and gives the client a moment to answer it.
func (c *wsConn) farewell(code int) {
	var body []byte
	if code != 0 {
		body = websocket.FormatCloseMessage(code, "")
	}
	// Should it fail, the connection is broken, which the reader notices.
	_ = c.ws.WriteControl(websocket.CloseMessage, body, time.Now().Add(closeGrace))
	_ = c.ws.SetReadDeadline(time.Now().Add(closeGrace))
}

// finish closes the connection after its last read, which failed.
func (c *wsConn) finish(err error) {
	c.expire(time.Now().Add(closeGrace))
	c.writers.Wait()
	if readReason(err) == reasonTransportError {
		c.discard()
	}
	_ = c.ws.Close() // it is over either way
}

// discard reads on for a moment. To close with data of the client unread would reset the connection, and
// the client might never see the close frame that tells why.
func (c *wsConn) discard() {
	if half, ok := c.out.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.ws.SetReadDeadline(time.Now().Add(closeGrace))
		_, _ = io.Copy(io.Discard, c.out.Conn)
	}
}

// expire bounds the time that writes may take, those under way included.
func (c *wsConn) expire(at time.Time) { _ = c.out.Conn.SetWriteDeadline(at) }

// interrupt makes the reader give up.
func (c *wsConn) interrupt() { _ = c.ws.SetReadDeadline(time.Unix(1, 0)) }

// cut makes reads and writes fail at once.
func (c *wsConn) cut() { _ = c.out.Conn.SetDeadline(time.Unix(1, 0)) }

// hijacker takes the connection out of any chain of response writers and puts a batchConn around it.
type hijacker struct {
	http.ResponseWriter
	pool *sync.Pool
	conn *batchConn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &batchConn{Conn: conn, pool: h.pool}
	return h.conn, rw, nil
}

// batchConn collects the frames of a batch, so that they leave in one write.
type batchConn struct {
	net.Conn
	pool *sync.Pool // of *[]byte
	mu   sync.Mutex
	buf  *[]byte // not nil while frames are collected
}

func (b *batchConn) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf == nil {
		return b.Conn.Write(p)
	}
	*b.buf = append(*b.buf, p...)
	return len(p), nil
}

// SetWriteDeadline does nothing: the deadline belongs to the session, which sets it when it closes, and
// the library would lift it before each frame.
func (b *batchConn) SetWriteDeadline(time.Time) error { return nil }

func (b *batchConn) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf, _ = b.pool.Get().(*[]byte); b.buf == nil {
		b.buf = new([]byte)
	}
}

func (b *batchConn) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf == nil {
		return nil
	}
	_, err := b.Conn.Write(*b.buf)
	if cap(*b.buf) <= 2*batchBytes {
		*b.buf = (*b.buf)[:0]
		b.pool.Put(b.buf)
	}
	b.buf = nil
	return err
}
