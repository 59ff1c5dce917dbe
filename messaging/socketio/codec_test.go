package socketio

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzPayload checks that whatever a client posts is read without a panic, and that what is readable stays the
// same when it is written and read again.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{
		"", "4", "b", "bAQID", "4hello\x1ebAQIDBA==", "40{}\x1e42[\"x\"]\x1e3", "2probe", "\x1e", "4\xff", "7", "b!!", "1\x1e1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var items []queued
		for fr, err := range frames(payload) {
			if err != nil {
				return
			}
			if fr.binary {
				if len(items) == 0 {
					return
				}
				last := items[len(items)-1].packet
				last.bin = append(last.bin, fr.data)
				continue
			}
			items = append(items, queued{packet: &packet{text: append([]byte{fr.kind}, fr.data...)}})
		}
		encoded := encodePayload(items)
		var again []frame
		for fr, err := range frames(encoded) {
			if err != nil {
				t.Fatalf("own payload %q: %v", encoded, err)
			}
			again = append(again, fr)
		}
		n := 0
		for _, it := range items {
			if got := append([]byte{again[n].kind}, again[n].data...); !bytes.Equal(got, it.text) {
				t.Fatalf("frame %d: %q, want %q", n, got, it.text)
			}
			n++
			for _, b := range it.bin {
				if !again[n].binary || !bytes.Equal(again[n].data, b) {
					t.Fatalf("frame %d: %q, want %q", n, again[n].data, b)
				}
				n++
			}
		}
		if n != len(again) {
			t.Fatalf("%d frames, want %d", len(again), n)
		}
	})
}

// FuzzPacket checks that any Socket.IO packet is read without a panic, that the limits hold, and that an event
// survives being sent back.
func FuzzPacket(f *testing.F) {
	for _, seed := range []string{
		"0", "0{}", "0/x,{\"a\":1}", "0[]", "1", "1/x,", "2", "2[\"x\"]", "2/,7[1,null]", "212[\"x\",{\"_placeholder\":true,\"num\":0}]",
		"31[]", "3", "4{}", "51-[\"x\",{\"_placeholder\":true,\"num\":0}]", "510-/x,1[\"x\"]", "50-[\"x\"]", "5[\"x\"]", "61-7[{\"_placeholder\":true,\"num\":0}]",
		"2[\"connect\"]", "2[{}]", "2[", "99999", "2123456789012345678901234567890[]",
	} {
		f.Add([]byte(seed), []byte{1, 2, 3})
	}
	f.Fuzz(func(t *testing.T, data, attachment []byte) {
		m, err := decodePacket(bytes.Clone(data))
		if err != nil || m == nil {
			return
		}
		if m.missing < 0 || m.missing > maxAttachments || !strings.HasPrefix(m.namespace, "/") {
			t.Fatalf("%q: %d attachments, namespace %q", data, m.missing, m.namespace)
		}
		if m.kind == packetConnect {
			var object map[string]any
			if json.Unmarshal(m.auth, &object) != nil || object == nil {
				t.Fatalf("%q: auth %q", data, m.auth)
			}
		}
		for complete := m.missing == 0; !complete; {
			if complete, err = m.attach(attachment); err != nil {
				return
			}
		}
		if m.kind != packetEvent {
			return
		}
		name, err := m.event()
		if err != nil {
			return
		}
		ev := &Event{Name: name, Args: m.args, values: m.values}
		values, err := ev.Values()
		if err != nil {
			t.Fatalf("%q: values: %v", data, err)
		}
		_, bin := strip(values)
		sent, err := Encode(name, values...)
		if len(bin) > maxAttachments {
			return // one attachment may stand in many places
		}
		if err != nil {
			t.Fatalf("%q: encode %v: %v", data, values, err)
		}
		back, err := decodePacket(sent.root.text[1:])
		if err != nil || back.missing != len(bin) || len(back.args) != len(m.args)+1 {
			t.Fatalf("%q came back as %q: %v", data, sent.root.text, err)
		}
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	text := func(s string) *packet { return &packet{text: []byte(s)} }
	names := func(items []queued) (out []string) {
		for _, it := range items {
			out = append(out, string(it.text))
		}
		return out
	}
	var q queue
	q.push(text("a"), false)
	q.push(text(strings.Repeat("b", batchBytes)), false)
	q.push(text("c"), true)
	q.push(text("d"), false)
	q.jump(text("ping"))
	batch := q.take()
	if len(batch) != 3 || string(batch[0].text) != "ping" || q.packets != 5 {
		t.Errorf("took %d of %d packets, want 3 of 5", len(batch), q.packets)
	}
	q.push(text("e"), false) // must not touch what was taken
	if dropped := q.shed(); dropped != 1 || q.packets != 5 {
		t.Errorf("shed %d, %d packets left; want 1 and 5", dropped, q.packets)
	}
	q.done()
	if q.packets != 2 || q.bytes != 2 {
		t.Errorf("%d packets, %d bytes left; want 2 and 2", q.packets, q.bytes)
	}
	if diff := cmp.Diff([]string{"d", "e"}, names(q.take())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q.push(text("f"), false)
	q.clear()
	if q.packets != 2 || !q.empty() {
		t.Errorf("%d packets after clear, want the 2 taken", q.packets)
	}
	if q.done(); q.packets != 0 || q.bytes != 0 {
		t.Errorf("%d packets, %d bytes at the end", q.packets, q.bytes)
	}
}

func TestTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ts timers
		var mu sync.Mutex
		var got []int
		start := time.Now()
		all := make([]*timer, 10)
		for i := range all {
			all[i] = &timer{fn: func() {
				if d := time.Since(start); d != time.Duration(i)*time.Second {
					t.Errorf("timer %d after %v", i, d)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, i)
			}}
		}
		for _, i := range []int{5, 3, 9, 1, 7, 8, 2} {
			ts.set(all[i], start.Add(time.Duration(i)*time.Hour))
		}
		for _, i := range []int{9, 3, 5, 1, 7, 8} { // moved
			ts.set(all[i], start.Add(time.Duration(i)*time.Second))
		}
		ts.stop(all[2])
		ts.stop(all[7])
		ts.stop(all[0]) // never set
		ts.stop(nil)
		time.Sleep(8 * time.Second)
		synctest.Wait()
		if !slices.Equal(got, []int{1, 3, 5, 8}) {
			t.Errorf("called %v, want [1 3 5 8]", got)
		}
		ts.stopAll()
		ts.set(all[4], start)
		time.Sleep(time.Hour)
		if len(got) != 4 {
			t.Errorf("called %v after stopAll", got)
		}
	})
}

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := newID()
		if len(id) != 20 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" || seen[id] {
			t.Fatalf("newID() = %q", id)
		}
		seen[id] = true
	}
}

func BenchmarkDecode(b *testing.B) {
	packet := []byte(`2["message",{"type":2,"payload":{"channelId":"cccccccc-cccc-4ccc-8ccc-cccccccccc01",` +
		`"senderId":"11111111-1111-4111-8111-111111111111","message":"hello there","metadata":{"isDm":true}}}]`)
	b.ReportAllocs()
	for b.Loop() {
		m, err := decodePacket(packet)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.event(); err != nil {
			b.Fatal(err)
		}
	}
}
