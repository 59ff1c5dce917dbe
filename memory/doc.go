// Package memory keeps what agents know: memories, rooms, worlds, entities, relationships and their logs.
// It serves /api/memory and the parts of /api/agents that are about such records.
//
// Every record belongs to one agent. An agent sees a channel as a room and a message server as a world of
// its own, under derived identifiers, so agents never read each other's notes. [Manager.For] is one
// agent's view, which brains and plugins use as [core.Memories].
package memory
