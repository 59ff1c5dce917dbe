package memory

import (
	"context"
	"log/slog"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Service manages the records of all agents. [Manager] is the default; embed it to change single methods.
// Safe for concurrent use.
type Service interface {
	// For returns one agent's view. It costs nothing and need not be kept.
	For(agent core.UUID) core.Memories
	// Ensure gives an agent that starts its own entity, world and SELF room. It may be repeated.
	Ensure(ctx context.Context, agent core.UUID, name string) error

	// Worlds lists the worlds of an agent, of all when agent is "", oldest first.
	Worlds(ctx context.Context, agent core.UUID, limit, offset int) ([]core.World, error)
	World(ctx context.Context, agent, id core.UUID) (*core.World, error) // ErrWorldNotFound
	CreateWorld(ctx context.Context, w core.World) (*core.World, error)
	PatchWorld(ctx context.Context, agent, id core.UUID, p WorldPatch) (*core.World, error)

	// Rooms lists the rooms an agent takes part in, newest first.
	Rooms(ctx context.Context, agent core.UUID, limit, offset int) ([]core.Room, error)
	Room(ctx context.Context, agent, id core.UUID) (*core.Room, error) // ErrRoomNotFound
	// CreateRoom makes a room the agent follows, and its world when that is unset or unknown.
	CreateRoom(ctx context.Context, r core.Room) (*core.Room, error)
	// ResolveRoom takes the id of a room of the agent as it is, any other as that of a channel.
	ResolveRoom(ctx context.Context, agent, id core.UUID) (core.UUID, error)

	// Memories returns a page, newest first, and whether there is more of it.
	Memories(ctx context.Context, agent core.UUID, q core.MemoryQuery) (page []core.Memory, more bool, err error)
	PatchMemory(ctx context.Context, agent, id core.UUID, p MemoryPatch) (*core.Memory, error)
	// DeleteMemory removes a memory; a document takes its fragments with it. ErrNotFound when the agent has none.
	DeleteMemory(ctx context.Context, agent, id core.UUID) error
	DeleteMemories(ctx context.Context, agent core.UUID) (deleted int64, err error)
	// DeleteRoomMemories removes the messages and documents of a room. The room may be unknown.
	DeleteRoomMemories(ctx context.Context, agent, room core.UUID) error
	// SetEmbedding stores the vector of a memory, replacing an older one.
	SetEmbedding(ctx context.Context, agent, id core.UUID, model string, vector []float32) error
	// Relate stores a relationship; one the agent knows gets the new tags and metadata on top of the old
	// ones, and one interaction more.
	Relate(ctx context.Context, r core.Relationship) error

	// Logs returns a page of an agent's log, newest first.
	Logs(ctx context.Context, q LogQuery) ([]core.Log, error)
	DeleteLog(ctx context.Context, agent, id core.UUID) error // no error when unknown
	// Runs returns a page of an agent's turns, newest first, and how many match.
	Runs(ctx context.Context, q RunQuery) (page []RunSummary, total int, err error)
	Run(ctx context.Context, agent, room core.UUID, run string) (*Run, error) // ErrRunNotFound

	// CreateGroup makes one room per agent in a shared world. Repeating it is harmless.
	CreateGroup(ctx context.Context, agent core.UUID, g Group) (*core.Room, error)
	// DeleteGroup removes the rooms of a world or message server, of all agents, with all under them.
	DeleteGroup(ctx context.Context, id core.UUID) error
	// ClearGroup removes the messages in those rooms.
	ClearGroup(ctx context.Context, id core.UUID) error

	// ForgetMessage removes all agents' memories of a central message.
	ForgetMessage(ctx context.Context, message core.UUID) error
	// ForgetChannel removes all agents' messages of a channel; with dropRooms the rooms and all under them.
	ForgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error
	// ForgetAgent removes everything of an agent. Repeating a cut one finishes it.
	ForgetAgent(ctx context.Context, agent core.UUID) error
	// Sweep removes old entries of the agents' logs.
	Sweep(ctx context.Context) error
}

// Runner is a [Service] that works while the server that has it runs: [Manager] is one, and so is what embeds a Manager.
type Runner interface {
	Service
	// Embed gives memories their vectors until ctx ends: those of the agents handed to Tend and not to Untend.
	Embed(ctx context.Context)
	Tend(rt core.Runtime)
	Untend(agent core.UUID)
	Close()
}

// Store is what a [Manager] needs of persistence. Every method joins the transaction its ctx carries.
// Limits are given by the caller. Safe for concurrent use.
type Store interface {
	// Insert stores memories and logs in one transaction. What is stored already under its id is left as it is.
	Insert(ctx context.Context, memories []core.Memory, logs []core.Log) error
	// Memories reads q.Limit memories and tells whether there are more.
	Memories(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]core.Memory, bool, error)
	// Nearest returns the q.Limit memories most similar to q.Vector, best first.
	Nearest(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]core.Memory, error)
	// Strangers returns the newest q.Limit memories that have no vector to compare with q.Vector and have one
	// of the words in their text.
	Strangers(ctx context.Context, agent core.UUID, q core.MemoryQuery, words []string) ([]core.Memory, error)
	// Unembedded returns memories that wait for a vector of a model of that size, those without one first,
	// then the newest: all but those that have one, that the model refused, and whose vector was given.
	Unembedded(ctx context.Context, agent core.UUID, model string, dim, limit int) ([]core.Memory, error)
	// CountUnembedded counts them.
	CountUnembedded(ctx context.Context, agent core.UUID, model string, dim int) (int, error)
	// SetEmbeddings stores vectors in one transaction, except for memories whose text is no longer the same.
	SetEmbeddings(ctx context.Context, agent core.UUID, model string, list []Embedding) error
	UpdateMemory(ctx context.Context, agent, id core.UUID, p MemoryPatch) (*core.Memory, error) // ErrNotFound
	// DeleteMemories removes memories by id with their fragments and counts those named.
	DeleteMemories(ctx context.Context, agent core.UUID, ids []core.UUID) (int64, error)
	DeleteAllMemories(ctx context.Context, agent core.UUID) (int64, error)
	// DeleteRoomMemories removes the memories of a room in the given tables, and fragments of what goes.
	DeleteRoomMemories(ctx context.Context, agent, room core.UUID, tables []string) error

	// Connect stores world, room, author and who takes part, as far as they are new or changed.
	Connect(ctx context.Context, c Connection) (*core.Room, error)
	SetRoomState(ctx context.Context, agent, room core.UUID, state string) error // ErrRoomNotFound
	Entities(ctx context.Context, agent, room core.UUID, limit int) ([]core.Entity, error)
	Relationships(ctx context.Context, agent, entity core.UUID, limit int) ([]core.Relationship, error)
	Relate(ctx context.Context, r core.Relationship) error

	Worlds(ctx context.Context, agent core.UUID, limit, offset int) ([]core.World, error)
	World(ctx context.Context, agent, id core.UUID) (*core.World, error) // ErrWorldNotFound
	CreateWorld(ctx context.Context, w core.World) error
	PatchWorld(ctx context.Context, agent, id core.UUID, p WorldPatch) (*core.World, error)
	Rooms(ctx context.Context, agent core.UUID, limit, offset int) ([]core.Room, error)
	Room(ctx context.Context, agent, id core.UUID) (*core.Room, error) // ErrRoomNotFound

	Logs(ctx context.Context, q LogQuery) ([]core.Log, error)
	DeleteLog(ctx context.Context, agent, id core.UUID) error
	// Runs returns the ids of a page of runs, newest start first, and how many match.
	Runs(ctx context.Context, q RunQuery) (page []string, total int, err error)
	// RunCounts counts what is logged under each run.
	RunCounts(ctx context.Context, agent core.UUID, runs []string) (map[string]RunCounts, error)
	// SweepLogs removes entries older than before and all but the newest keep of each agent; keep 0 = all.
	SweepLogs(ctx context.Context, before core.Millis, keep int) error

	ForgetMessage(ctx context.Context, message core.UUID) error
	ForgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error
	ForgetAgent(ctx context.Context, agent core.UUID) error
	// ForgetGroup selects rooms by world or message server: their messages go, or with dropRooms they themselves.
	ForgetGroup(ctx context.Context, id core.UUID, dropRooms bool) error
}

// WorldPatch changes a world: nil fields stay, metadata is merged one level deep.
type WorldPatch struct {
	Name     *string
	Metadata map[string]any
}

// GivenModel is the name of the model of vectors that came without one: they are compared with those of any
// model of their size, and left as they are by [Manager.Embed] when they have the size of its model's.
const GivenModel = "given"

// MemoryPatch changes a memory: nil fields stay, the others replace what is stored.
type MemoryPatch struct {
	Content   *core.Content
	Metadata  map[string]any
	Embedding []float32
	Model     string // of the embedding; "" keeps the stored one
	SameSize  bool   // an embedding must have the size of the stored one
}

// Embedding is what a model made of the text of a memory.
type Embedding struct {
	ID     core.UUID
	Text   string    // the whole of it, as the memory was read
	Vector []float32 // nil = the model makes none of this text, and is not asked again
}

// Connection is what an agent has to know before a turn. Empty names of World and Room mean "as it is".
type Connection struct {
	World   core.World
	Room    core.Room   // State is that of the agent when it is new in the room
	Members []Member    // besides the agent
	Agent   core.Entity // the agent itself; without names it is only made to take part
}

// Member is an entity that takes part in a room.
type Member struct {
	ID     core.UUID
	Name   string
	Source string
}

// LogQuery selects entries of one agent's log. The zero value of a field does not filter.
type LogQuery struct {
	Agent        core.UUID
	Rooms        []core.UUID // any of them
	Type         string
	Runs         []string // of these runs and of those they started
	ExcludeTypes []string
	From, To     core.Millis // inclusive
	Limit        int
	Offset       int
}

// Group is a set of agents' rooms in one world.
type Group struct {
	ServerID core.UUID
	WorldID  core.UUID // ServerID when unset
	Name     string
	Source   string
	Metadata map[string]any
}

// Errors of this package.
var (
	ErrNotFound      = &core.Error{Code: core.CodeNotFound, Message: "Memory not found"}
	ErrRoomNotFound  = &core.Error{Code: core.CodeNotFound, Message: "Room not found"}
	ErrWorldNotFound = &core.Error{Code: core.CodeNotFound, Message: "World not found"}
	ErrRunNotFound   = &core.Error{Code: core.CodeNotFound, Message: "Run not found"}
)

// Bounds of lists, also where the caller names none.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Options tunes a [Manager]. The zero value is ready to use.
type Options struct {
	Logger *slog.Logger // slog.Default() when nil
	Now    core.Clock   // of what is stored, and what old logs are told by; time.Now when nil
	// Bus tells other processes which rooms changed; nil when there are none.
	Bus core.Bus
	// Connections is how many connected (agent, channel, author) are remembered; 8,192 when 0.
	Connections int
	// LogAge and LogsPerAgent bound an agent's log; 30 days and 10,000 entries when 0, no bound when negative.
	LogAge       time.Duration
	LogsPerAgent int
}
