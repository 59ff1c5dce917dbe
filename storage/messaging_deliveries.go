package storage

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// deliveryRow is a row of deliveries.
type deliveryRow struct {
	ID          core.UUID `gorm:"primaryKey"`
	MessageID   core.UUID
	AgentID     core.UUID
	ChannelID   core.UUID
	Seq         int64
	State       string
	Acting      bool
	Attempt     int
	Crashes     int
	Owner       string
	LeaseUntil  core.Millis
	AvailableAt core.Millis
	LastError   string
	Replies     jsonIDs
	CreatedAt   core.Millis `gorm:"autoCreateTime:false"`
	EndedAt     core.Millis
}

// TableName names the table for GORM.
func (deliveryRow) TableName() string { return "deliveries" }

func newDelivery(message, agent, channel core.UUID, now core.Millis) deliveryRow {
	return deliveryRow{ID: core.NewUUID(), MessageID: message, AgentID: agent, ChannelID: channel, State: messaging.StatePending, AvailableAt: now, CreatedAt: now}
}

func (r *deliveryRow) lane() messaging.Lane {
	return messaging.Lane{AgentID: r.AgentID, ChannelID: r.ChannelID}
}

// claimNext takes the oldest unfinished delivery of one lane, if it is pending and due.
const claimNext = `UPDATE deliveries SET state = 'leased', attempt = attempt + 1, owner = ?, lease_until = ?
	WHERE id = (SELECT id FROM deliveries WHERE agent_id = ? AND channel_id = ? AND state IN ('pending', 'leased') ORDER BY seq LIMIT 1)
	AND state = 'pending' AND available_at <= ? RETURNING *`

func (s messagingStore) Claim(ctx context.Context, owner string, ttl time.Duration, lanes []messaging.Lane, most int) ([]messaging.Delivery, error) {
	if len(lanes) == 0 {
		var err error
		if lanes, err = s.dueLanes(ctx, most); err != nil || len(lanes) == 0 {
			return nil, err
		}
	}
	var out []messaging.Delivery
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		out = out[:0]
		now := core.Now()
		for _, lane := range lanes[:min(len(lanes), most)] {
			var rows []deliveryRow
			err := tx.Raw(claimNext, owner, now+core.Millis(ttl.Milliseconds()), lane.AgentID, lane.ChannelID, now).Scan(&rows).Error
			if err != nil {
				return wrap("claim delivery", err)
			}
			if len(rows) == 0 {
				continue
			}
			d, err := loadDelivery(tx, &rows[0])
			if err != nil {
				return err
			}
			out = append(out, *d)
		}
		return nil
	})
	return out, err
}

// dueLanes looks, without a write lock, for lanes whose oldest unfinished delivery is pending and due. The
// condition of the index of unfinished rows is spelt out, here and below: SQLite does not infer it.
func (s messagingStore) dueLanes(ctx context.Context, most int) ([]messaging.Lane, error) {
	var rows []deliveryRow
	err := s.db.read(ctx).Raw(`SELECT d.agent_id, d.channel_id FROM deliveries d
		WHERE d.state IN ('pending', 'leased') AND d.state = 'pending' AND d.available_at <= ? AND NOT EXISTS (SELECT 1 FROM deliveries o
			WHERE o.agent_id = d.agent_id AND o.channel_id = d.channel_id AND o.state IN ('pending', 'leased') AND o.seq < d.seq)
		ORDER BY d.created_at LIMIT ?`, core.Now(), most).Scan(&rows).Error
	lanes := make([]messaging.Lane, len(rows))
	for i := range rows {
		lanes[i] = rows[i].lane()
	}
	return lanes, wrap("find due deliveries", err)
}

// loadDelivery reads what a turn needs: the message, the channel, and how the delivery stands.
func loadDelivery(tx *gorm.DB, r *deliveryRow) (*messaging.Delivery, error) {
	msg, err := messageBy(tx, `WHERE m.id = ?`, r.MessageID)
	if err != nil {
		return nil, err
	}
	ch := &messaging.Channel{ID: r.ChannelID, ServerID: msg.ServerID}
	var first, more bool
	err = tx.Raw(`SELECT name, type,
		NOT EXISTS (SELECT 1 FROM deliveries WHERE message_id = ? AND id <> ? AND attempt > 0) AND ? = 1 AS first,
		EXISTS (SELECT 1 FROM deliveries WHERE agent_id = ? AND channel_id = ? AND state IN ('pending', 'leased') AND seq > ?) AS more
		FROM channels WHERE id = ?`,
		r.MessageID, r.ID, r.Attempt, r.AgentID, r.ChannelID, r.Seq, r.ChannelID).Row().Scan(&ch.Name, &ch.Type, &first, &more)
	if err != nil {
		return nil, wrap("read channel", err)
	}
	return &messaging.Delivery{
		ID: r.ID, MessageID: r.MessageID, Lane: r.lane(), Seq: r.Seq, Attempt: r.Attempt, Owner: r.Owner, Acting: r.Acting,
		Crashes: r.Crashes, First: first, More: more, Message: msg, Channel: ch, Replies: r.Replies,
	}, nil
}

func (s messagingStore) VoidLeases(ctx context.Context) error {
	var n int
	if err := s.db.read(ctx).Raw(`SELECT count(*) FROM deliveries WHERE state IN ('pending', 'leased') AND state = 'leased'`).Scan(&n).Error; err != nil || n == 0 {
		return wrap("find leases", err)
	}
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("void leases", tx.Exec(`UPDATE deliveries SET lease_until = 0 WHERE state IN ('pending', 'leased') AND state = 'leased'`).Error)
	})
}

// held is the guard of every later write of a delivery: the attempt that took it still has it.
const held = ` WHERE id = ? AND attempt = ? AND owner = ? AND state = 'leased'`

// change writes to a delivery that d still holds.
func change(tx *gorm.DB, d *messaging.Delivery, set string, args ...any) error {
	res := tx.Exec(`UPDATE deliveries SET `+set+held, append(args, d.ID, d.Attempt, d.Owner)...)
	if res.Error == nil && res.RowsAffected == 0 {
		return messaging.ErrLost
	}
	return wrap("change delivery", res.Error)
}

// lost turns the answer that a channel is not there into ErrLost: it took its deliveries along.
func lost(err error) error {
	if errors.Is(err, messaging.ErrChannelNotFound) {
		return messaging.ErrLost.Wrap(err)
	}
	return err
}

func (s messagingStore) Acting(ctx context.Context, d *messaging.Delivery) error {
	return s.db.write(ctx, func(tx *gorm.DB) error { return change(tx, d, `acting = ?`, true) })
}

func (s messagingStore) Release(ctx context.Context, d *messaging.Delivery, pause time.Duration, lost bool, reason string) error {
	crashes := 0
	if lost {
		crashes = 1
	}
	due := core.Now() + core.Millis(pause.Milliseconds())
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return change(tx, d, `state = 'pending', owner = '', available_at = ?, crashes = crashes + ?, last_error = ?`, due, crashes, reason)
	})
}

func (s messagingStore) Reply(ctx context.Context, d *messaging.Delivery, m messaging.NewMessage) (*messaging.Message, error) {
	var msg *messaging.Message
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		ch, err := lockChannel(tx, d.ChannelID)
		if err != nil {
			return lost(err)
		}
		in, err := insertReply(tx, ch, m)
		if err != nil {
			return err
		}
		msg = in.message
		return change(tx, d, `replies = ?`, jsonIDs(append(append([]core.UUID{}, d.Replies...), msg.ID)))
	})
	return msg, err
}

func (s messagingStore) Finish(ctx context.Context, d *messaging.Delivery, e messaging.Ending) (*messaging.Ended, error) {
	var ended *messaging.Ended
	err := s.db.join(ctx, func(ctx context.Context, tx *gorm.DB) error {
		ch, err := lockChannel(tx, d.ChannelID)
		if err != nil {
			return lost(err)
		}
		ended = &messaging.Ended{Delivery: d.ID, ChannelID: d.ChannelID}
		replies := d.Replies
		if e.Reply != nil {
			in, err := insertReply(tx, ch, *e.Reply)
			if err != nil {
				return err
			}
			replies = append(append([]core.UUID{}, replies...), in.message.ID)
			ended.Lanes = in.lanes
			ended.Events = append(ended.Events, messageEvent(in.message))
		}
		err = change(tx, d, `state = ?, last_error = ?, replies = ?, owner = '', ended_at = ?`, e.State, e.Error, jsonIDs(replies), core.Now())
		if err != nil {
			return err
		}
		complete, err := closeDelivery(tx, ch, d.MessageID)
		if complete != nil {
			ended.Events = append(ended.Events, *complete)
		}
		if err == nil && e.Commit != nil {
			err = e.Commit(ctx)
		}
		return err
	}, false)
	return ended, err
}

// closeDelivery counts an ended delivery of a message down and completes the message with the last one.
// ch must be locked.
func closeDelivery(tx *gorm.DB, ch *channelRow, message core.UUID) (*messaging.Event, error) {
	var open int
	var byAgent bool
	err := tx.Raw(`UPDATE central_messages SET open_deliveries = open_deliveries - 1 WHERE id = ? RETURNING open_deliveries, by_agent`, message).Row().Scan(&open, &byAgent)
	if err != nil || open > 0 || byAgent {
		return nil, wrap("close delivery", err)
	}
	seq, err := ch.advance(tx, 1)
	if err != nil {
		return nil, err
	}
	if err := tx.Exec(`UPDATE central_messages SET complete_seq = ? WHERE id = ?`, seq, message).Error; err != nil {
		return nil, wrap("complete message", err)
	}
	result, err := resultOf(tx, ch, message)
	return completeEvent(ch.ID, seq, result), err
}

func resultOf(tx *gorm.DB, ch *channelRow, message core.UUID) (*messaging.Result, error) {
	var rows []deliveryRow
	if err := tx.Raw(`SELECT agent_id, state, replies FROM deliveries WHERE message_id = ? ORDER BY agent_id`, message).Scan(&rows).Error; err != nil {
		return nil, wrap("read deliveries", err)
	}
	return result(ch, message, rows), nil
}

func result(ch *channelRow, message core.UUID, rows []deliveryRow) *messaging.Result {
	r := &messaging.Result{MessageID: message, ServerID: ch.ServerID, DM: messaging.IsDM(ch.Type)}
	for i := range rows {
		r.Agents = append(r.Agents, rows[i].result())
	}
	return r
}

func (r *deliveryRow) result() messaging.AgentResult {
	return messaging.AgentResult{AgentID: r.AgentID, Status: messaging.StatusOf(r.State), Responses: r.Replies}
}

func messageEvent(m *messaging.Message) messaging.Event {
	return messaging.Event{Seq: m.Seq, Kind: messaging.KindMessage, ChannelID: m.ChannelID, MessageID: m.ID, Message: m}
}

func completeEvent(channel core.UUID, seq int64, r *messaging.Result) *messaging.Event {
	if r == nil {
		return nil
	}
	return &messaging.Event{Seq: seq, Kind: messaging.KindComplete, ChannelID: channel, MessageID: r.MessageID, Result: r}
}
