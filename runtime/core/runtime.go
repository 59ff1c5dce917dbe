package core

import (
	"context"
	"errors"
)

// Turn is one message one agent has to answer, as a brain sees it.
type Turn struct {
	ID          UUID // the delivery's; any new id for a turn without one
	Attempt     int  // 1 = first
	AgentID     UUID // who is asked
	MessageID   UUID
	ChannelID   UUID
	ServerID    UUID
	AuthorID    UUID
	ChannelType string // DM, GROUP, …
	ChannelName string
	AuthorName  string
	Source      string
	InReplyTo   UUID // the central message it answers, if any
	Content     Content
	Metadata    map[string]any
	CreatedAt   Millis
}

// Out takes the answer while a turn runs; nothing reaches a client any other way. Its methods are safe for
// concurrent use and harmless after the turn has ended.
type Out interface {
	// NextReply is the id the coming reply will be stored under: stream chunks carry it.
	NextReply() UUID
	// Stream passes on the next piece of the coming reply. It never blocks and never fails.
	Stream(text string)
	// Send stores and broadcasts a reply that is not the last one, and ends its stream. The host's hooks may change
	// what c points to, or leave the reply out: then the id is "".
	Send(ctx context.Context, c *Content) (UUID, error)
	// Progress broadcasts an action's progress under a fixed id: a second call with it replaces the first.
	Progress(ctx context.Context, id UUID, c Content) error
	// Acting marks durably that a side effect begins: from here on the turn is never run again.
	Acting(ctx context.Context) error
}

// Outcome ends a turn. Reply, end of the delivery and, for the message's last delivery, its completion are
// one transaction.
type Outcome struct {
	// Reply is the last, usually only, reply; nil = no further one. Before Commit is called the host's hooks may change
	// what it points to; one that they leave out is made empty.
	Reply  *Content
	Reason string // why there is none: "ignored" (default), "muted", "off"
	// Commit, if set, is called inside that transaction with a context that carries it: what it writes to
	// the server's stores with that context is stored together with the reply or not at all. It may be
	// called more than once and must do nothing but write.
	Commit func(ctx context.Context) error
}

// Runtime is one running agent: all that messaging, audio, routes and plugins know of a brain. Embed
// [BareRuntime] to write another one with little more than Turn.
type Runtime interface {
	AgentID() UUID
	Character() *Character // immutable; a patch swaps the pointer
	Setting(key string) (string, bool)
	Models() Models
	Memories() Memories // nil when this brain keeps none
	Service(name string) (any, bool)
	Emit(ctx context.Context, e Event) error
	// Say sends a message nobody asked for.
	Say(ctx context.Context, channel UUID, c Content) (UUID, error)
	// Control enables or disables input in a channel: action is enable_input or disable_input.
	Control(ctx context.Context, channel UUID, action, target string) error
	// Turn answers one message. An error is final: the client is told that the turn failed.
	Turn(ctx context.Context, t *Turn, out Out) (Outcome, error)
	// Close stops what the runtime started and waits for it, bounded by ctx.
	Close(ctx context.Context) error
}

// Swapper is a Runtime that takes a changed character without being rebuilt.
type Swapper interface {
	SwapCharacter(c *Character)
}

// ErrUnsupported is returned for what a brain cannot do.
var ErrUnsupported = errors.New("not supported by this runtime")

// BareRuntime is a Runtime without Turn: embed it for a brain of your own, which keeps compiling when
// Runtime grows.
type BareRuntime struct {
	ID   UUID
	Char *Character
}

// AgentID returns ID.
func (r BareRuntime) AgentID() UUID { return r.ID }

// Character returns Char.
func (r BareRuntime) Character() *Character { return r.Char }

// Setting finds nothing.
func (BareRuntime) Setting(string) (string, bool) { return "", false }

// Models has none.
func (BareRuntime) Models() Models { return Models{} }

// Memories is nil.
func (BareRuntime) Memories() Memories { return nil }

// Service finds nothing.
func (BareRuntime) Service(string) (any, bool) { return nil, false }

// Emit reaches nobody.
func (BareRuntime) Emit(context.Context, Event) error { return nil }

// Say returns [ErrUnsupported].
func (BareRuntime) Say(context.Context, UUID, Content) (UUID, error) { return "", ErrUnsupported }

// Control returns [ErrUnsupported].
func (BareRuntime) Control(context.Context, UUID, string, string) error { return ErrUnsupported }

// Close does nothing.
func (BareRuntime) Close(context.Context) error { return nil }

// Event is something that happened to or in an agent. Data depends on Name.
type Event struct {
	Name   string
	Source string
	Data   map[string]any
}

// Names of events the server emits. Plugins may add their own.
const (
	EventEntityJoined    = "ENTITY_JOINED"
	EventMessageReceived = "MESSAGE_RECEIVED"
	EventMessageSent     = "MESSAGE_SENT"
	EventMessageDeleted  = "MESSAGE_DELETED"
	EventChannelCleared  = "CHANNEL_CLEARED"
	EventRunStarted      = "RUN_STARTED"
	EventRunEnded        = "RUN_ENDED"
	EventRunTimeout      = "RUN_TIMEOUT"
	EventActionStarted   = "ACTION_STARTED"
	EventActionCompleted = "ACTION_COMPLETED"
	EventModelUsed       = "MODEL_USED"

	EventEmbeddingCompleted = "EMBEDDING_GENERATION_COMPLETED"
	EventEmbeddingFailed    = "EMBEDDING_GENERATION_FAILED"
)

// Identity is who makes a request, as the authenticator found it. The zero value is anybody who holds the
// server's key; an EntityID binds the caller to that entity.
type Identity struct {
	EntityID UUID
	Name     string
}

type identityKey struct{}

// WithIdentity returns a context that carries id.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// IdentityFrom returns the identity a context carries, the zero one when none.
func IdentityFrom(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(Identity)
	return id
}

// Authenticated tells whether a context carries an identity at all: whether an authenticator admitted the
// request.
func Authenticated(ctx context.Context) bool {
	_, ok := ctx.Value(identityKey{}).(Identity)
	return ok
}
