package messaging

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Service is the one way of a message: HTTP, sockets and hosts call it. [Manager] is the default; embed it
// to change single methods. Safe for concurrent use.
type Service interface {
	// Accept stores a message durably. On return this process's watchers have its events.
	Accept(ctx context.Context, m NewMessage) (*Accepted, error)
	// Wait returns when every delivery of the message has ended. Leaving cancels nothing. It ends with
	// ErrMessageNotFound when there is no such message, and with ErrShuttingDown when the server closes before.
	Wait(ctx context.Context, channel, message core.UUID, after int64) (*Answer, error)
	// Watch calls fn with the kept events after a number, then with one of KindReplayed, then with live ones, in
	// order, until cancel. With after < 0 only with live ones. ErrGap when not all after the number are kept,
	// or too many to replay. fn must not block and must not call the Service; it may call cancel. A
	// call that is under way when cancel is called ends after it.
	Watch(ctx context.Context, channel core.UUID, after int64, fn func(Event)) (cancel func(), err error)

	Message(ctx context.Context, id core.UUID) (*Message, error)
	// Messages returns a page; that of a channel that does not exist is empty.
	Messages(ctx context.Context, p Page) (*MessagePage, error)
	SearchMessages(ctx context.Context, s Search) (page []Message, total int, err error)
	// EditMessage replaces the given fields and broadcasts the message again. Agents are not asked again.
	EditMessage(ctx context.Context, id core.UUID, e Edit) (*Message, error)
	DeleteMessage(ctx context.Context, channel, message core.UUID) error
	ClearChannel(ctx context.Context, channel core.UUID) error
	// Complete announces the end of a message on behalf of an agent outside the process.
	Complete(ctx context.Context, channel, server, message core.UUID) error
	// Control asks the clients in a channel to enable or disable their input: action is enable_input or
	// disable_input. Who is not connected does not hear of it.
	Control(ctx context.Context, channel core.UUID, action, target string) error
	// Title asks an agent's model for a title of a channel; "" and a reason when there is none.
	Title(ctx context.Context, channel, agent core.UUID, p Page) (title, reason string, err error)

	Channel(ctx context.Context, id core.UUID) (*Channel, error)
	Channels(ctx context.Context, server core.UUID, limit, offset int) ([]Channel, error)
	CreateChannel(ctx context.Context, c NewChannel) (*Channel, error)
	// DM finds or makes the channel of two users.
	DM(ctx context.Context, server, a, b core.UUID) (*Channel, error)
	PatchChannel(ctx context.Context, id core.UUID, p ChannelPatch) (*Channel, error)
	DeleteChannel(ctx context.Context, id core.UUID) error
	Participants(ctx context.Context, channel core.UUID) ([]core.UUID, error)
	// ChannelAgents lists the participants that are agents.
	ChannelAgents(ctx context.Context, channel core.UUID) ([]core.UUID, error)
	AddAgent(ctx context.Context, channel, agent core.UUID) error
	RemoveAgent(ctx context.Context, channel, agent core.UUID) error
	// Joined tells agents that somebody opened a channel. It does not wait for them.
	Joined(ctx context.Context, j Join)

	Servers(ctx context.Context, limit int) ([]Server, error)
	CreateServer(ctx context.Context, s Server) (*Server, error)
	DeleteServer(ctx context.Context, id core.UUID) error
	SyncChannels(ctx context.Context, server core.UUID, channels []NewChannel) ([]Channel, error)
	ServerAgents(ctx context.Context, server core.UUID) ([]core.UUID, error)
	AgentServers(ctx context.Context, agent core.UUID) ([]core.UUID, error)
	AddServerAgent(ctx context.Context, server, agent core.UUID) error
	RemoveServerAgent(ctx context.Context, server, agent core.UUID) error

	SessionService
	JobService
}

// Runner is a [Service] that is run by the server that has it: [Manager] is one, and so is what embeds a Manager.
// The server starts it with its agents, ends it, and tells it of agents that stop or are deleted. Who gives a
// server a Service without these methods runs it himself.
type Runner interface {
	Service
	// Start lets agents answer until ctx ends or Shutdown is called.
	Start(ctx context.Context, agents Agents) error
	// Shutdown takes no further messages, lets turns end until ctx does, and hands the others back. Safe twice.
	Shutdown(ctx context.Context) error
	// StopAgent ends what an agent has to do: at once what waits, after grace the turns under way.
	StopAgent(ctx context.Context, agent core.UUID, grace time.Duration) error
	// ForgetAgent removes an agent that is deleted from channels and message servers.
	ForgetAgent(ctx context.Context, agent core.UUID) error
}

// Edit changes a stored message: nil fields stay.
type Edit struct {
	Content    *string
	Raw        map[string]any
	Metadata   map[string]any
	SourceType *string
	InReplyTo  *core.UUID
	AuthorID   *core.UUID
}

// Answer is what came of a message: the result for each agent and the stored replies, in order.
type Answer struct {
	Result  *Result
	Replies []*Message
	Failure string // why a turn failed, for the client
}

// Join is somebody opening a channel.
type Join struct {
	ChannelID, ServerID, EntityID core.UUID
	AgentID                       core.UUID // "" = all agents of the channel
	Username, DisplayName         string
	Metadata                      map[string]any
}

// Agents is all that this package knows of agents; it is given to [Manager.Start]. Which of a channel's participants
// are agents that answer is the [Store]'s to say, in the transaction that stores a message: package storage takes those
// that are active in its table of agents and belong to the message server.
type Agents interface {
	// Runtime builds an active agent here when needed. An agent that is not active is an error.
	Runtime(ctx context.Context, id core.UUID) (core.Runtime, error)
	Exists(ctx context.Context, id core.UUID) (bool, error)
}

// Memories is the neighbour whose part of a deletion is done first.
type Memories interface {
	ForgetMessage(ctx context.Context, message core.UUID) error
	ForgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error
}
