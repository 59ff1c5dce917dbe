package storage

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxVectorBytes bounds what is kept of embeddings in memory.
const maxVectorBytes = 64 << 20

// entryBytes is about what an entry takes besides its vector.
const entryBytes = 120

// vectors keeps embeddings that were read, so that a search reads only ids. It is exact: whatever changes or
// removes an embedding forgets it here once that has committed, and what was read before is not kept
// afterwards. The agent used longest ago makes room for others.
type vectors struct {
	mu     sync.RWMutex
	agents map[core.UUID]*agentVectors
	bytes  int
	clock  uint64 // of uses
}

// agentVectors are those of one agent's memories, by id; a memory without vector has an entry too.
type agentVectors struct {
	entries map[string]embedding
	bytes   int
	used    uint64
	age     uint64 // raised by each forgetting
}

// embedding is a stored vector, of length one.
type embedding struct {
	model string
	unit  []float32 // nil = none, or one of zeros
}

// toEmbedding reads a column. What it returns does not hold on to blob.
func toEmbedding(model string, blob []byte) embedding {
	e := embedding{model: model}
	if len(blob)%4 != 0 {
		return e
	}
	v := make([]float32, len(blob)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(blob[4*i:]))
	}
	if unit(v) {
		e.unit = v
	}
	return e
}

// unit gives v the length one; false when it has no direction.
func unit(v []float32) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsInf(sum, 0) || math.IsNaN(sum) {
		return false
	}
	scale := 1 / math.Sqrt(sum)
	for i := range v {
		v[i] = float32(float64(v[i]) * scale)
	}
	return true
}

// dot is the cosine of two vectors of length one. Four sums let the processor overlap the additions.
func dot(a, b []float32) float64 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return float64(s0) + float64(s1) + float64(s2) + float64(s3)
}

// of returns what is kept of an agent, and its age, which what is read from now on is put under.
func (c *vectors) of(agent core.UUID) (a *agentVectors, age uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a = c.agents[agent]; a == nil {
		a = &agentVectors{entries: map[string]embedding{}}
		if c.agents == nil {
			c.agents = map[core.UUID]*agentVectors{}
		}
		c.agents[agent] = a
	}
	c.clock++
	a.used = c.clock
	return a, a.age
}

// each calls fn with what is kept of the ids and returns the others.
func (c *vectors) each(a *agentVectors, ids []core.UUID, fn func(id core.UUID, e embedding)) (missing []core.UUID) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, id := range ids {
		if e, ok := a.entries[string(id)]; ok {
			fn(id, e)
		} else {
			missing = append(missing, id)
		}
	}
	return missing
}

// put keeps what was read, unless something was forgotten meanwhile or there is no room for it.
func (c *vectors) put(agent core.UUID, a *agentVectors, age uint64, read map[string]embedding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.agents[agent] != a || a.age != age {
		return
	}
	for id, e := range read {
		n := e.size()
		if c.bytes+n > maxVectorBytes && !c.evict(a) {
			return
		}
		if _, twice := a.entries[id]; !twice {
			a.entries[id] = e
			a.bytes, c.bytes = a.bytes+n, c.bytes+n
		}
	}
}

func (e embedding) size() int { return entryBytes + 4*len(e.unit) }

// evict forgets the agent used longest ago, but not this one; false when there is no other.
func (c *vectors) evict(but *agentVectors) bool {
	var oldest core.UUID
	for id, a := range c.agents {
		if a != but && (oldest == "" || a.used < c.agents[oldest].used) {
			oldest = id
		}
	}
	if oldest == "" {
		return false
	}
	c.bytes -= c.agents[oldest].bytes
	delete(c.agents, oldest)
	return true
}

// forget drops the entries of some memories of an agent, of all when ids is nil.
func (c *vectors) forget(agent core.UUID, ids []core.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[agent]
	switch {
	case a == nil:
	case ids == nil:
		c.bytes -= a.bytes
		delete(c.agents, agent)
	default:
		a.age++
		for _, id := range ids {
			if e, ok := a.entries[string(id)]; ok {
				a.bytes, c.bytes = a.bytes-e.size(), c.bytes-e.size()
				delete(a.entries, string(id))
			}
		}
	}
}

// clear drops everything.
func (c *vectors) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agents, c.bytes = nil, 0
}
