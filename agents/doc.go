// Package agents keeps the agents of a server: their characters, whether they are wanted to run, and the
// running brains themselves. It serves /api/agents.
//
// An agent is active in its stored row, not in a process: starting one builds its runtime at once, so that
// errors are seen, and any process builds it again on first need. So a server with ten thousand active
// agents starts as quickly as an empty one.
package agents
