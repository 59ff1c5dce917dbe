package core

import "context"

// Tables of memories that have a meaning to the server. Other names are free.
const (
	TableMessages  = "messages"
	TableFacts     = "facts"
	TableDocuments = "documents"
)

// Memory is one record of one agent: a message it saw or said, a fact, a piece of a document.
type Memory struct {
	ID         UUID           `json:"id"`
	Table      string         `json:"type"`
	CreatedAt  Millis         `json:"createdAt"`
	Content    Content        `json:"content"`
	EntityID   UUID           `json:"entityId,omitempty"`
	AgentID    UUID           `json:"agentId"`
	RoomID     UUID           `json:"roomId,omitempty"`
	WorldID    UUID           `json:"worldId,omitempty"`
	Unique     bool           `json:"unique"`
	Metadata   map[string]any `json:"metadata"`
	Embedding  []float32      `json:"embedding,omitempty"`
	Model      string         `json:"-"`                    // that made the embedding; "" = not known
	Similarity float64        `json:"similarity,omitempty"` // only in the results of a search
}

// MemoryQuery selects memories of one agent. The zero value of a field does not filter.
type MemoryQuery struct {
	Table            string
	RoomID           UUID
	WorldID          UUID
	EntityID         UUID
	Before, After    Millis // createdAt <= Before, createdAt > After
	Text             string // List: part of the text. Search: words for the ranking
	Vector           []float32
	Model            string  // Search: that made Vector; vectors of other models are not compared. "" = any of that size
	Threshold        float64 // Search: least similarity
	Limit, Offset    int     // Limit 0 = a default of the implementation, never unbounded
	IncludeEmbedding bool
}

// Room is a channel as one agent knows it.
type Room struct {
	ID        UUID           `json:"id"`
	AgentID   UUID           `json:"agentId"`
	Name      string         `json:"name"`
	Source    string         `json:"source"`
	Type      string         `json:"type"`
	ChannelID UUID           `json:"channelId,omitempty"`
	WorldID   UUID           `json:"worldId,omitempty"`
	ServerID  string         `json:"messageServerId,omitempty"`
	State     string         `json:"-"` // of the agent in it: FOLLOWED, MUTED or ""
	Metadata  map[string]any `json:"metadata"`
	CreatedAt Millis         `json:"createdAt,omitempty"`
}

// World is a message server as one agent knows it.
type World struct {
	ID        UUID           `json:"id"`
	AgentID   UUID           `json:"agentId"`
	Name      string         `json:"name"`
	ServerID  string         `json:"messageServerId,omitempty"` // free text; usually a UUID
	Metadata  map[string]any `json:"metadata,omitempty"`
	CreatedAt ISO            `json:"createdAt"`
}

// Entity is somebody an agent knows. Its key is (ID, AgentID): each agent has its own view.
type Entity struct {
	ID       UUID           `json:"id"`
	AgentID  UUID           `json:"agentId"`
	Names    []string       `json:"names"`
	Metadata map[string]any `json:"metadata"`
}

// Relationship is what an agent noticed between two entities.
type Relationship struct {
	ID             UUID           `json:"id"`
	SourceEntityID UUID           `json:"sourceEntityId"`
	TargetEntityID UUID           `json:"targetEntityId"`
	AgentID        UUID           `json:"agentId"`
	Tags           []string       `json:"tags"`
	Metadata       map[string]any `json:"metadata"`
	CreatedAt      ISO            `json:"createdAt"`
}

// Log is one entry of an agent's own log: a run, a model call, an action.
type Log struct {
	ID        UUID           `json:"id"`
	AgentID   UUID           `json:"agentId"`
	EntityID  UUID           `json:"entityId"`
	RoomID    UUID           `json:"roomId"`
	Type      string         `json:"type"`
	Body      map[string]any `json:"body"`
	CreatedAt ISO            `json:"createdAt"`
}

// Memories is one agent's own records. The memory package implements it; brains and plugins use only this.
// All methods are safe for concurrent use. The agent is implied: an AgentID in a value is overwritten.
type Memories interface {
	// Add stores a memory and returns its id; a memory whose id is taken is left as it is. An unset id is
	// made, an unset CreatedAt is now, an unset Table is messages.
	Add(ctx context.Context, m Memory) (UUID, error)
	// Record stores memories and log entries of a turn in one transaction, under the rules of Add.
	Record(ctx context.Context, memories []Memory, logs []Log) error
	// List returns memories newest first, then by id.
	List(ctx context.Context, q MemoryQuery) ([]Memory, error)
	// Search returns the memories nearest to q.Vector, best first.
	Search(ctx context.Context, q MemoryQuery) ([]Memory, error)
	// Update replaces content, metadata and, when given, the embedding. ErrNotFound-coded when not this agent's.
	Update(ctx context.Context, m Memory) error
	Delete(ctx context.Context, ids ...UUID) error
	// Connect makes sure the agent knows the world, room and author of a turn. It is idempotent and cached.
	Connect(ctx context.Context, t *Turn) (Room, error)
	// SetRoomState notes how the agent stands to a room: FOLLOWED, MUTED or "".
	SetRoomState(ctx context.Context, room UUID, state string) error
	// Entities lists who takes part in a room, the agent included.
	Entities(ctx context.Context, room UUID) ([]Entity, error)
	// Relationships lists those of an entity, by number of interactions.
	Relationships(ctx context.Context, entity UUID, limit int) ([]Relationship, error)
	// Relate stores a relationship; one that is known gets the new tags and metadata on top of the old ones,
	// and one interaction more.
	Relate(ctx context.Context, r Relationship) error
	// World reads a world. ErrNotFound-coded when the agent does not know it.
	World(ctx context.Context, id UUID) (World, error)
	// Rooms lists the rooms the agent takes part in, newest first.
	Rooms(ctx context.Context, limit int) ([]Room, error)
}
