package storage

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// errTaken rolls the transaction of a message back that is stored already.
var errTaken = errors.New("message id or key taken")

func (s messagingStore) Accept(ctx context.Context, n messaging.NewMessage, maxLane int) (*messaging.Accepted, error) {
	if n.ID == "" {
		n.ID = core.NewUUID()
	}
	var a *messaging.Accepted
	err := s.db.write(ctx, func(tx *gorm.DB) (err error) {
		a, err = accept(tx, n, maxLane)
		return err
	})
	if errors.Is(err, errTaken) {
		return s.existing(ctx, n)
	}
	return a, err
}

// existing answers a message that was stored before.
func (s messagingStore) existing(ctx context.Context, n messaging.NewMessage) (*messaging.Accepted, error) {
	tx := s.db.read(ctx)
	msg, err := messageBy(tx, `WHERE m.id = ?`, n.ID)
	if err == nil {
		if msg.ChannelID != n.ChannelID || msg.AuthorID != n.AuthorID {
			return nil, messaging.ErrConflict.With("The message id is taken by another message")
		}
	} else if key := dedupKey(n); key != nil {
		msg, err = messageBy(tx, `WHERE m.channel_id = ? AND m.dedup_key = ?`, n.ChannelID, *key)
	}
	if err != nil {
		return nil, err
	}
	ch, err := s.Channel(ctx, n.ChannelID)
	return &messaging.Accepted{Message: msg, Channel: ch, Duplicate: true}, err
}

func dedupKey(n messaging.NewMessage) *string {
	var key string
	switch {
	case n.External && n.SourceID != "":
		key = "ext:" + n.SourceType + ":" + n.SourceID
	case n.ClientID != "":
		key = "cli:" + string(n.AuthorID) + ":" + n.ClientID
	default:
		return nil
	}
	return &key
}

// accept stores a message in its channel, which is made when it is missing and n says how.
func accept(tx *gorm.DB, n messaging.NewMessage, maxLane int) (*messaging.Accepted, error) {
	ch, err := lockChannel(tx, n.ChannelID)
	if errors.Is(err, messaging.ErrChannelNotFound) && n.Create != nil {
		ch, err = createFor(tx, n)
	}
	if err != nil {
		return nil, err
	}
	in, err := insertMessage(tx, ch, n, maxLane, false)
	if err == nil {
		err = ch.save(tx)
	}
	if err != nil {
		return nil, err
	}
	a := &messaging.Accepted{Message: in.message, Channel: ch.channel(), Lanes: in.lanes, Seq: in.completeSeq}
	if in.completeSeq > 0 {
		a.Complete = &messaging.Result{MessageID: n.ID, ServerID: ch.ServerID, DM: messaging.IsDM(ch.Type), Agents: in.ended}
	}
	return a, nil
}

func createFor(tx *gorm.DB, n messaging.NewMessage) (*channelRow, error) {
	c := *n.Create
	c.ID = n.ChannelID
	if c.ServerID == "" {
		c.ServerID = n.ServerID
	}
	row, err := insertChannel(tx, c)
	if err != nil {
		return nil, err
	}
	return row, nil
}

// inserted is what insertMessage did.
type inserted struct {
	message     *messaging.Message
	lanes       []messaging.Lane
	ended       []messaging.AgentResult // agents that will not answer
	completeSeq int64                   // > 0: nobody will, the message is complete
}

// concerned is an agent that has to react to a message.
type concerned struct {
	ID     core.UUID
	Active bool
	Queued int // unfinished deliveries in its lane
}

// insertReply stores an agent's reply. Its id is public before it is stored, for chunks carry it: when
// somebody took it for a message of theirs the reply gets another one.
func insertReply(tx *gorm.DB, ch *channelRow, n messaging.NewMessage) (*inserted, error) {
	in, err := insertMessage(tx, ch, n, 0, true)
	if errors.Is(err, errTaken) {
		n.ID = core.NewUUID()
		in, err = insertMessage(tx, ch, n, 0, true)
	}
	return in, err
}

// insertMessage gives a message its number and stores it with its deliveries; errTaken leaves all as it is.
// ch must be locked. The author of a reply is an agent, even if it has been deleted since.
func insertMessage(tx *gorm.DB, ch *channelRow, n messaging.NewMessage, maxLane int, reply bool) (*inserted, error) {
	now := nowOf(tx)
	byAgent, agents, err := whoReacts(tx, ch, n, reply)
	if err != nil {
		return nil, err
	}
	in := &inserted{}
	var deliveries []deliveryRow
	for _, a := range agents {
		d := newDelivery(n.ID, a.ID, ch.ID, now)
		switch {
		case !a.Active:
			d.State, d.EndedAt = messaging.StateSkipped, now
			in.ended = append(in.ended, messaging.AgentResult{AgentID: a.ID, Status: messaging.StatusStopped})
		case maxLane > 0 && a.Queued >= maxLane:
			return nil, &core.Error{Code: core.CodeRateLimit, Message: "Too many unanswered messages in this channel", RetryAfter: time.Second}
		default:
			in.lanes = append(in.lanes, messaging.Lane{AgentID: a.ID, ChannelID: ch.ID})
		}
		deliveries = append(deliveries, d)
	}
	at := ch.stamp(now)
	in.message = &messaging.Message{
		ID: n.ID, ChannelID: ch.ID, ServerID: ch.ServerID, AuthorID: n.AuthorID, ByAgent: byAgent, Content: n.Content, Raw: n.Raw,
		Metadata: n.Metadata, SourceType: n.SourceType, SourceID: n.SourceID, InReplyTo: n.InReplyTo, Seq: ch.Head + 1,
		CreatedAt: at, UpdatedAt: at,
	}
	row := messageRow{Message: *in.message, dedupKey: dedupKey(n), open: len(in.lanes)}
	if !byAgent && !n.Undeliver && len(in.lanes) == 0 {
		in.completeSeq = row.Seq + 1
		row.completeSeq = &in.completeSeq
	}
	if err := insertRow(tx, &row); err != nil {
		return nil, err
	}
	ch.Head = max(row.Seq, in.completeSeq)
	for i := range deliveries {
		deliveries[i].Seq = row.Seq
		if err := deliveries[i].insert(tx); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func insertRow(tx *gorm.DB, row *messageRow) error {
	res := tx.Exec(`INSERT INTO central_messages (id, channel_id, author_id, by_agent, content, raw_message, metadata, source_type,
		source_id, in_reply_to, dedup_key, seq, complete_seq, open_deliveries, created_at, updated_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
		row.ID, row.ChannelID, row.AuthorID, row.ByAgent, row.Content, jsonMap(row.Raw), jsonMap(row.Metadata), row.SourceType,
		row.SourceID, row.InReplyTo, row.dedupKey, row.Seq, row.completeSeq, row.open, row.CreatedAt, row.UpdatedAt)
	if res.Error != nil {
		return wrap("store message", res.Error)
	}
	if res.RowsAffected == 0 {
		return errTaken
	}
	return nil
}

// whoReacts tells whether the author is an agent and which agents have to react: participants of the
// channel that are agents of its message server, but not the author.
func whoReacts(tx *gorm.DB, ch *channelRow, n messaging.NewMessage, reply bool) (byAgent bool, agents []concerned, err error) {
	if reply && n.AgentRun <= 0 {
		return true, nil, nil
	}
	var list string
	err = tx.Raw(`SELECT EXISTS (SELECT 1 FROM agents WHERE id = ?) AS by_agent, (
		SELECT json_group_array(json_object('ID', a.id, 'Active', json(CASE WHEN a.active THEN 'true' ELSE 'false' END), 'Queued',
			(SELECT count(*) FROM deliveries d WHERE d.agent_id = a.id AND d.channel_id = p.channel_id AND d.state IN ('pending', 'leased'))))
		FROM channel_participants p JOIN agents a ON a.id = p.entity_id
		WHERE p.channel_id = ? AND a.id <> ? AND (? = ? OR EXISTS (
			SELECT 1 FROM message_server_agents s WHERE s.server_id = ? AND s.agent_id = a.id))) AS agents`,
		n.AuthorID, ch.ID, n.AuthorID, ch.ServerID, core.DefaultServerID, ch.ServerID).Row().Scan(&byAgent, &list)
	if err != nil {
		return false, nil, wrap("find agents", err)
	}
	byAgent = byAgent || reply
	if list == "[]" || n.Undeliver {
		return byAgent, nil, nil
	}
	if byAgent {
		if ok, err := mayChat(tx, ch.ID, n.AgentRun); !ok || err != nil {
			return true, nil, err
		}
	}
	if err := json.Unmarshal([]byte(list), &agents); err != nil {
		return false, nil, wrap("find agents", err)
	}
	if n.Target != "" {
		for _, a := range agents {
			if a.ID == n.Target {
				return byAgent, []concerned{a}, nil
			}
		}
		return byAgent, nil, nil
	}
	return byAgent, agents, nil
}

// mayChat tells whether agents may still answer an agent: not when the last run messages are all theirs.
func mayChat(tx *gorm.DB, channel core.UUID, run int) (bool, error) {
	if run <= 0 {
		return false, nil
	}
	var theirs int
	err := tx.Raw(`SELECT count(*) FROM (SELECT by_agent FROM central_messages WHERE channel_id = ? AND source_type <> ?
		ORDER BY seq DESC LIMIT ?) AS latest WHERE by_agent`, channel, messaging.SourceAction, run).Scan(&theirs).Error
	return theirs < run, wrap("count agent messages", err)
}
