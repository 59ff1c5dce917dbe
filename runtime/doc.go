// Package runtime serves a server's own operations: whether it lives and is healthy, its version, and its
// log, under /api/runtime (with the older name /api/server), /api/system and at the root. What a running
// agent is lives in
// [github.com/eliza-go/eliza/runtime/core].
package runtime
