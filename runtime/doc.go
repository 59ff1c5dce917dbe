// Package runtime serves a server's own operations: whether it lives and is healthy, its version, its log,
// its end and its file of environment variables, under /api/runtime (with the older name /api/server),
// /api/system and at the root. What a running
// agent is lives in
// [github.com/eliza-go/eliza/runtime/core].
package runtime
