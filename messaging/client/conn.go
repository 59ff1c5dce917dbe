package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	dialTime  = 20 * time.Second // from the dialing to the server's consent
	writeTime = 10 * time.Second // of one frame
	ackTime   = 30 * time.Second // a server that acknowledges later counts as lost
)

// errLost says that the connection ended before an event was acknowledged.
var errLost = errors.New("client: the connection was lost")

var errDisconnected = errors.New("client: the server ended the connection")

// conn is one connection of a [Socket].
type conn struct {
	ws   *websocket.Conn
	hand handshake
	id   string

	write sync.Mutex
	done  chan struct{} // closed when it has ended

	mu   sync.Mutex
	acks map[uint64]chan json.RawMessage
	next uint64
}

// connect dials and waits for the server's consent.
func (c *Client) connect(ctx context.Context, o *SocketOptions) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	u := *c.base
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u.Path, u.RawPath = u.Path+"/socket.io/", c.base.EscapedPath()+"/socket.io/"
	u.RawQuery = url.Values{"EIO": {"4"}, "transport": {"websocket"}}.Encode()
	header := o.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	c.identify(header)
	ws, res, err := o.Dialer.DialContext(ctx, u.String(), header)
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			return nil, errorOf(res)
		}
		return nil, fmt.Errorf("client: dial socket: %w", err)
	}
	ws.SetReadLimit(maxEvent)
	k := &conn{ws: ws, done: make(chan struct{}), acks: map[uint64]chan json.RawMessage{}}
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	err = k.agree(c.key, c.entity)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = ws.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if e, ok := errors.AsType[*core.Error](err); ok {
			return nil, e
		}
		return nil, fmt.Errorf("client: connect socket: %w", err)
	}
	return k, nil
}

// agree is the handshake of both protocols.
func (k *conn) agree(key string, entity core.UUID) error {
	_, frame, err := k.ws.ReadMessage()
	if err != nil {
		return err
	}
	if k.hand, err = decodeHandshake(frame); err != nil {
		return err
	}
	auth, err := core.EncodeJSON(struct {
		Key    string    `json:"apiKey,omitempty"`
		Entity core.UUID `json:"entityId,omitempty"`
	}{key, entity})
	if err != nil {
		return err
	}
	if err := k.frame(append([]byte{engineMessage, packetConnect}, auth...)); err != nil {
		return err
	}
	for {
		p, err := k.packet()
		switch {
		case err != nil:
			return err
		case p.kind == packetConnect:
			var v struct {
				SID string `json:"sid"`
			}
			_ = json.Unmarshal(p.data, &v)
			k.id = v.SID
			return nil
		case p.kind == packetConnectError:
			return connectError(p.data)
		}
	}
}

// packet reads the next packet; pings are answered on the way.
func (k *conn) packet() (*packet, error) {
	for {
		_ = k.ws.SetReadDeadline(time.Now().Add(k.hand.silent()))
		kind, b, err := k.ws.ReadMessage()
		switch {
		case err != nil:
			return nil, err
		case kind != websocket.TextMessage: // an attachment
			continue
		case len(b) == 0:
			return nil, errPacket
		}
		switch b[0] {
		case enginePing:
			if err := k.frame([]byte{enginePong}); err != nil {
				return nil, err
			}
		case engineClose:
			return nil, errDisconnected
		case engineMessage:
			if p, err := decodePacket(b[1:]); p != nil || err != nil {
				return p, err
			}
		}
	}
}

// read hands events on until the connection ends.
func (k *conn) read(event func(name string, payload json.RawMessage)) error {
	for {
		p, err := k.packet()
		if err != nil {
			return err
		}
		switch p.kind {
		case packetEvent:
			event(p.name, p.data)
		case packetAck:
			k.acknowledge(p.id, p.data)
		case packetDisconnect:
			return errDisconnected
		}
	}
}

// frame sends one frame.
func (k *conn) frame(b []byte) error {
	k.write.Lock()
	defer k.write.Unlock()
	_ = k.ws.SetWriteDeadline(time.Now().Add(writeTime))
	return k.ws.WriteMessage(websocket.TextMessage, b)
}

// end is called once, when nothing is read any more.
func (k *conn) end() {
	_ = k.ws.Close()
	close(k.done)
}

// leave ends the connection from this side, politely when nothing is in the way.
func (k *conn) leave() {
	soon := time.Now().Add(time.Second)
	if k.write.TryLock() {
		_ = k.ws.SetWriteDeadline(soon)
		_ = k.ws.WriteMessage(websocket.TextMessage, []byte{engineMessage, packetDisconnect})
		_ = k.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), soon)
		k.write.Unlock()
	}
	_ = k.ws.Close()
}

// request sends an event and waits for its acknowledgement. A refusal is a [core.Error]; [errLost] leaves open
// whether the event has arrived.
func (k *conn) request(ctx context.Context, event string, payload any) (json.RawMessage, error) {
	answer := make(chan json.RawMessage, 1)
	k.mu.Lock()
	id := k.next
	k.next++
	k.acks[id] = answer
	k.mu.Unlock()
	defer k.forget(id)
	b, err := encodeEvent(id, event, payload)
	switch {
	case err != nil:
		return nil, fmt.Errorf("client: encode event %s: %w", event, err)
	case k.hand.MaxPayload > 0 && len(b) > k.hand.MaxPayload:
		return nil, &core.Error{Code: core.CodePayloadTooLarge, Message: fmt.Sprintf("an event may have %d bytes, this one has %d", k.hand.MaxPayload, len(b))}
	}
	if k.frame(b) != nil {
		_ = k.ws.Close() // which ends the reading too
		return nil, errLost
	}
	limit := time.NewTimer(ackTime)
	defer limit.Stop()
	select {
	case payload := <-answer:
		if e := refusal(payload); e != nil {
			return nil, e
		}
		return payload, nil
	case <-limit.C:
		_ = k.ws.Close()
		return nil, errLost
	case <-k.done:
		return nil, errLost
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *conn) forget(id uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.acks, id)
}

func (k *conn) acknowledge(id uint64, payload json.RawMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if answer := k.acks[id]; answer != nil {
		delete(k.acks, id)
		answer <- payload // has room for the one answer
	}
}
