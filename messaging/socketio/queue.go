package socketio

// batchBytes is how much a writer takes at once, and so what may be under way when a queue is dropped.
const batchBytes = 64 << 10

// queue holds what waits for one client. What a writer has taken counts until it is done with it.
type queue struct {
	items    []queued
	packets  int // waiting and taken
	bytes    int64
	taken    int // the part of it that was taken
	takenLen int64
}

type queued struct {
	*packet
	volatile bool
}

func (q *queue) empty() bool { return len(q.items) == 0 }

func (q *queue) fits(p *packet, o *Options) bool {
	return q.packets+p.frames() <= o.QueuePackets && q.bytes+p.size() <= o.QueueBytes ||
		q.packets == 0 // a packet larger than the whole queue may go when nothing waits before it
}

func (q *queue) push(p *packet, volatile bool) {
	q.items = append(q.items, queued{p, volatile})
	q.packets += p.frames()
	q.bytes += p.size()
}

// jump puts p before all that waits.
func (q *queue) jump(p *packet) {
	q.items = append([]queued{{p, false}}, q.items...)
	q.packets += p.frames()
	q.bytes += p.size()
}

// shed drops the volatile packets that wait and returns their number.
func (q *queue) shed() (dropped int64) {
	kept := make([]queued, 0, len(q.items))
	for _, it := range q.items {
		if !it.volatile {
			kept = append(kept, it)
			continue
		}
		q.packets -= it.frames()
		q.bytes -= it.size()
		dropped++
	}
	q.items = kept
	return dropped
}

// take removes packets of about batchBytes, at least one if there is any.
func (q *queue) take() []queued {
	n, size := 0, int64(0)
	for n < len(q.items) && (n == 0 || size < batchBytes) {
		size += q.items[n].size()
		q.taken += q.items[n].frames()
		n++
	}
	q.takenLen += size
	batch := q.items[:n:n]
	if q.items = q.items[n:]; len(q.items) == 0 {
		q.items = nil
	}
	return batch
}

// takeAll removes everything.
func (q *queue) takeAll() []queued {
	all := q.items
	*q = queue{}
	return all
}

// done says that what was taken has been written.
func (q *queue) done() {
	q.packets -= q.taken
	q.bytes -= q.takenLen
	q.taken, q.takenLen = 0, 0
}

// clear drops all that was not taken.
func (q *queue) clear() {
	q.items = nil
	q.packets, q.bytes = q.taken, q.takenLen
}

func (q *queue) halfFull(o *Options) bool {
	return q.packets > o.QueuePackets/2 || q.bytes > o.QueueBytes/2
}
