package storage

import (
	"context"
	"database/sql"
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
	return deliveryRow{ID: core.NewUUID(), MessageID: message, AgentID: agent, ChannelID: channel, State: messaging.StatePending, CreatedAt: now}
}

func (r *deliveryRow) insert(tx *gorm.DB) error {
	return wrap("store delivery", tx.Exec(`INSERT INTO deliveries (id, message_id, agent_id, channel_id, seq, state, available_at, created_at, ended_at)
		VALUES (?,?,?,?,?,?,?,?,?)`, r.ID, r.MessageID, r.AgentID, r.ChannelID, r.Seq, r.State, r.AvailableAt, r.CreatedAt, r.EndedAt).Error)
}

func (r *deliveryRow) lane() messaging.Lane {
	return messaging.Lane{AgentID: r.AgentID, ChannelID: r.ChannelID}
}

// claimNext takes the oldest unfinished delivery of one lane, if it is pending and due.
const claimNext = `UPDATE deliveries SET state = 'leased', attempt = attempt + 1, owner = ?, lease_until = ?
	WHERE id = (SELECT id FROM deliveries WHERE agent_id = ? AND channel_id = ? AND state IN ('pending', 'leased') ORDER BY seq LIMIT 1)
	AND state = 'pending' AND available_at <= ? RETURNING id, message_id, seq, acting, attempt, crashes, replies`

func (s messagingStore) Claim(ctx context.Context, owner string, ttl time.Duration, lanes []messaging.Lane, most int) ([]messaging.Delivery, error) {
	if len(lanes) == 0 {
		var err error
		if lanes, err = s.Due(ctx, most, most); err != nil || len(lanes) == 0 {
			return nil, err
		}
	}
	var out []messaging.Delivery
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		out = out[:0]
		now := core.Now() // how long something waits or is held is nothing the host's clock decides
		for _, lane := range lanes[:min(len(lanes), most)] {
			d := messaging.Delivery{Lane: lane, Owner: owner}
			err := tx.Raw(claimNext, owner, now+core.Millis(ttl.Milliseconds()), lane.AgentID, lane.ChannelID, now).Row().
				Scan(&d.ID, &d.MessageID, &d.Seq, &d.Acting, &d.Attempt, &d.Crashes, (*jsonIDs)(&d.Replies))
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err == nil {
				err = load(tx, &d)
			}
			if err != nil {
				return wrap("claim delivery", err)
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// load reads what a turn needs of a delivery that was taken: the message, the channel, and how it stands.
func load(tx *gorm.DB, d *messaging.Delivery) error {
	d.Message, d.Channel = &messaging.Message{}, &messaging.Channel{ID: d.ChannelID}
	err := scanMessage(tx.Raw(`SELECT `+messageColumns+`, c.name, c.type,
		? = 1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message_id = m.id AND id <> ? AND attempt > 0),
		EXISTS (SELECT 1 FROM deliveries WHERE agent_id = ? AND channel_id = c.id AND state IN ('pending', 'leased') AND seq > ?)
		FROM central_messages m JOIN channels c ON c.id = m.channel_id WHERE m.id = ?`,
		d.Attempt, d.ID, d.AgentID, d.Seq, d.MessageID).Row(), d.Message, &d.Channel.Name, &d.Channel.Type, &d.First, &d.More)
	d.Channel.ServerID = d.Message.ServerID
	return err
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
		return lost(withChannel(tx, d.ChannelID, func(ch *channelRow) error {
			in, err := insertReply(tx, ch, m)
			if err != nil {
				return err
			}
			msg = in.message
			return change(tx, d, `replies = ?`, jsonIDs(append(append([]core.UUID{}, d.Replies...), msg.ID)))
		}))
	})
	return msg, err
}

func (s messagingStore) Finish(ctx context.Context, d *messaging.Delivery, e messaging.Ending) (*messaging.Ended, error) {
	var ended *messaging.Ended
	err := s.db.join(ctx, func(ctx context.Context, tx *gorm.DB) error {
		ended = &messaging.Ended{Delivery: d.ID, ChannelID: d.ChannelID}
		err := lost(withChannel(tx, d.ChannelID, func(ch *channelRow) error { return finish(tx, ch, d, e, ended) }))
		if err == nil && e.Commit != nil {
			err = e.Commit(ctx)
		}
		return err
	}, false)
	return ended, err
}

func finish(tx *gorm.DB, ch *channelRow, d *messaging.Delivery, e messaging.Ending, ended *messaging.Ended) error {
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
	err := change(tx, d, `state = ?, last_error = ?, replies = ?, owner = '', ended_at = ?`, e.State, e.Error, jsonIDs(replies), nowOf(tx))
	if err != nil {
		return err
	}
	return closeDelivery(tx, ch, d.MessageID, ended)
}

// closeDelivery counts an ended delivery of a message down and completes the message with the last one.
// ch must be locked.
func closeDelivery(tx *gorm.DB, ch *channelRow, message core.UUID, ended *messaging.Ended) error {
	var open int
	var byAgent bool
	err := tx.Raw(`UPDATE central_messages SET open_deliveries = open_deliveries - 1,
		complete_seq = CASE WHEN open_deliveries = 1 AND NOT by_agent THEN ? ELSE complete_seq END
		WHERE id = ? RETURNING open_deliveries, by_agent`, ch.Head+1, message).Row().Scan(&open, &byAgent)
	if err != nil || open > 0 || byAgent {
		return wrap("close delivery", err)
	}
	result, err := resultOf(tx, ch, message)
	if err != nil {
		return err
	}
	ended.Events = append(ended.Events, *completeEvent(ch.ID, ch.next(), result))
	return nil
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
