package messaging

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Lane is the queue of one agent in one channel: its deliveries are worked off one at a time, in order.
type Lane struct {
	AgentID, ChannelID core.UUID
}

// States of a delivery.
const (
	StatePending   = "pending"
	StateLeased    = "leased"
	StateDone      = "done"
	StateIgnored   = "ignored"
	StateFailed    = "failed"
	StateTimeout   = "timeout"
	StateSkipped   = "skipped"   // the agent was not active when the message came
	StateExpired   = "expired"   // nobody took it in time
	StateCancelled = "cancelled" // the agent was stopped, or the message deleted
)

// StatusOf is what a delivery's end state is called in a [Result].
func StatusOf(state string) string {
	switch state {
	case StateDone:
		return StatusResponded
	case StateIgnored:
		return StatusIgnored
	case StateTimeout, StateExpired:
		return StatusTimeout
	case StateSkipped, StateCancelled:
		return StatusStopped
	default:
		return StatusFailed
	}
}

// Delivery is one message one agent has to answer, taken by this process.
type Delivery struct {
	ID, MessageID core.UUID
	Lane
	Seq     int64
	Attempt int // fencing token: every later write names it
	Owner   string
	Crashes int  // how often it was lost before
	Acting  bool // it must not be run again
	First   bool // the first delivery of its message to be taken
	More    bool // something waits behind it in its lane
	Message *Message
	Channel *Channel
	Replies []core.UUID
}

// ReplyID is the id of the delivery's next reply: derived, so that chunks can carry it before the reply is
// stored, and different for each attempt, so that a client never mixes two tries.
func (d *Delivery) ReplyID() core.UUID {
	return core.StringToUUID(string(d.ID) + ":" + itoa(d.Attempt) + ":" + itoa(len(d.Replies)))
}

// Ending is how a delivery ends.
type Ending struct {
	State string
	Error string
	Reply *NewMessage // the last reply, stored in the same transaction
	// Commit, if set, is called in that transaction, perhaps more than once, with a context that carries it.
	Commit func(ctx context.Context) error
}

// Ended is what an ending changed: events to announce, in order.
type Ended struct {
	Delivery  core.UUID
	ChannelID core.UUID
	Events    []Event
	Lanes     []Lane // agents that have to react to the last reply
}

// ErrLost says that a delivery is no longer this attempt's: somebody else took it over, or it was deleted.
// Its code is its own, for errors are told apart by their codes: a conflict of something else is not the
// end of a delivery.
var ErrLost = &core.Error{Code: "DELIVERY_LOST", Message: "the delivery was taken over"}

// Store is the default Service's persistence. Every method is one transaction and joins the one its ctx
// carries. Safe for concurrent use.
type Store interface {
	// Accept stores a message, its deliveries and, when nobody is concerned, its completion.
	// ErrChannelNotFound when the channel is missing and m.Create is nil, ErrServerNotFound when its server
	// is. A lane with more than maxLane unfinished deliveries refuses with CodeRateLimit (0 = no limit), an
	// id that another message has with CodeConflict.
	Accept(ctx context.Context, m NewMessage, maxLane int) (*Accepted, error)
	// Due lists lanes whose oldest unfinished delivery is pending and due, at most perAgent of each agent and
	// max in all, those of different agents mixed.
	Due(ctx context.Context, perAgent, max int) ([]Lane, error)
	// Claim takes the oldest unfinished delivery of each lane that is pending and due, at most max; with no
	// lanes named it looks through all.
	Claim(ctx context.Context, owner string, ttl time.Duration, lanes []Lane, max int) ([]Delivery, error)
	// Reap ends or returns deliveries whose lease is past and ends pending ones older than ttl. lost > 0
	// limits how often a delivery may be lost before it fails.
	Reap(ctx context.Context, ttl time.Duration, lost int) ([]Ended, error)
	// VoidLeases makes all leases past: for a store that only one process uses, when it starts.
	VoidLeases(ctx context.Context) error
	// Acting marks a delivery as never to be run again. ErrLost when it is no longer d's.
	Acting(ctx context.Context, d *Delivery) error
	// Reply stores a reply that is not the last one. ErrLost when the delivery is no longer d's.
	Reply(ctx context.Context, d *Delivery, m NewMessage) (*Message, error)
	// Finish ends a delivery. ErrLost when it is no longer d's.
	Finish(ctx context.Context, d *Delivery, e Ending) (*Ended, error)
	// Release gives a delivery back: pending again after a pause; lost counts it as a crash.
	Release(ctx context.Context, d *Delivery, pause time.Duration, lost bool, reason string) error
	// EndAgent ends all unfinished deliveries of an agent as cancelled, except those named.
	EndAgent(ctx context.Context, agent core.UUID, except []core.UUID) ([]Ended, error)
	// ForgetAgent removes an agent from all channels and servers.
	ForgetAgent(ctx context.Context, agent core.UUID) error
	// Sweep removes ended deliveries and events older than the given ages.
	Sweep(ctx context.Context, deliveries, events time.Duration) error

	// Events returns what is kept of a channel after a number; nothing of one that does not exist.
	Events(ctx context.Context, channel core.UUID, after int64, limit int) (Kept, error)
	Message(ctx context.Context, id core.UUID) (*Message, error)
	// Messages reads a page and tells whether there is more. One that becomes too large ends earlier.
	Messages(ctx context.Context, p Page) ([]Message, bool, error)
	Search(ctx context.Context, s Search) ([]Message, int, error)
	EditMessage(ctx context.Context, id core.UUID, e Edit) (*Event, error)
	// DeleteMessage and ClearChannel first end the deliveries of what they delete.
	DeleteMessage(ctx context.Context, channel, message core.UUID) (*Ended, error)
	ClearChannel(ctx context.Context, channel core.UUID) (*Ended, error)
	// Complete gives a completion its number.
	Complete(ctx context.Context, channel core.UUID, r Result) (*Event, error)

	Channel(ctx context.Context, id core.UUID) (*Channel, error)
	Channels(ctx context.Context, server core.UUID, limit, offset int) ([]Channel, error)
	// CreateChannel makes a channel. With a DMKey that is taken it returns the channel that has it.
	CreateChannel(ctx context.Context, c NewChannel) (*Channel, error)
	PatchChannel(ctx context.Context, id core.UUID, p ChannelPatch) (*Channel, error)
	DeleteChannel(ctx context.Context, id core.UUID) error
	SyncChannels(ctx context.Context, server core.UUID, channels []NewChannel) ([]Channel, error)
	Participants(ctx context.Context, channel core.UUID, onlyAgents bool) ([]core.UUID, error)
	AddParticipant(ctx context.Context, channel, entity core.UUID) error
	RemoveParticipant(ctx context.Context, channel, entity core.UUID) error

	EnsureServer(ctx context.Context, s Server) error
	Servers(ctx context.Context, limit int) ([]Server, error)
	Server(ctx context.Context, id core.UUID) (*Server, error)
	CreateServer(ctx context.Context, s Server) error
	DeleteServer(ctx context.Context, id core.UUID) error
	ServerAgents(ctx context.Context, server core.UUID) ([]core.UUID, error)
	AgentServers(ctx context.Context, agent core.UUID) ([]core.UUID, error)
	AddServerAgent(ctx context.Context, server, agent core.UUID) error
	RemoveServerAgent(ctx context.Context, server, agent core.UUID) error

	SessionStore
	JobStore
}

// Kept is what is known of a channel's changes after a number.
type Kept struct {
	Events []Event // oldest first, of messages that are still there
	Head   int64   // number of the latest change
	Gap    bool    // some are no longer kept, or the number is none of this channel's
}
