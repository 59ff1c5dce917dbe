package storage

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// eventRow is a row of channel_events.
type eventRow struct {
	ChannelID core.UUID `gorm:"primaryKey"`
	Seq       int64     `gorm:"primaryKey"`
	Kind      string
	MessageID core.UUID
	Result    *jsonColumn[messaging.Result]
	CreatedAt core.Millis `gorm:"autoCreateTime:false"`
}

// TableName names the table for GORM.
func (eventRow) TableName() string { return "channel_events" }

func (s messagingStore) Events(ctx context.Context, channel core.UUID, after int64, limit int) (kept messaging.Kept, err error) {
	read := func(tx *gorm.DB) error {
		var rows []channelRow
		if err := tx.Raw(`SELECT * FROM channels WHERE id = ?`, channel).Scan(&rows).Error; err != nil {
			return wrap("read head", err)
		}
		if len(rows) == 0 {
			return nil
		}
		kept = messaging.Kept{Head: rows[0].Head, Gap: after < rows[0].Forgotten || after > rows[0].Head}
		if limit == 0 || kept.Head <= after {
			return nil
		}
		kept.Events, err = keptEvents(tx, &rows[0], after, limit)
		return err
	}
	if tx := s.db.txFrom(ctx); tx != nil || limit == 0 {
		err = read(s.db.read(ctx))
		return kept, err
	}
	// One snapshot: a number at or below its head that is missing there is missing for good.
	if err = s.db.readers.WithContext(ctx).Transaction(read, readOnly); err != nil {
		err = wrap("read events", err)
	}
	return kept, err
}

// keptEvents gathers the numbered changes after a number, up to the head that ch says, from the three
// places they are kept in.
func keptEvents(tx *gorm.DB, ch *channelRow, after int64, limit int) ([]messaging.Event, error) {
	var events []messaging.Event
	sent, err := messages(tx, `WHERE m.channel_id = ? AND m.seq > ? AND m.seq <= ? ORDER BY m.seq LIMIT ?`, ch.ID, after, ch.Head, limit)
	if err != nil {
		return nil, err
	}
	for i := range sent {
		events = append(events, messageEvent(&sent[i]))
	}
	completed, err := completions(tx, ch, after, limit)
	if err != nil {
		return nil, err
	}
	others, err := otherEvents(tx, ch, after, limit)
	if err != nil {
		return nil, err
	}
	events = append(append(events, completed...), others...)
	slices.SortFunc(events, func(a, b messaging.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return events[:min(limit, len(events))], nil
}

// completions are the events of messages that are complete and still there, with their results.
func completions(tx *gorm.DB, ch *channelRow, after int64, limit int) ([]messaging.Event, error) {
	rows, err := tx.Raw(`SELECT page.id, page.complete_seq, coalesce(d.agent_id, ''), coalesce(d.state, ''), d.replies
		FROM (SELECT id, complete_seq FROM central_messages WHERE channel_id = ? AND complete_seq > ? AND complete_seq <= ?
			ORDER BY complete_seq LIMIT ?) AS page
		LEFT JOIN deliveries d ON d.message_id = page.id ORDER BY page.complete_seq, d.agent_id`, ch.ID, after, ch.Head, limit).Rows()
	if err != nil {
		return nil, wrap("read events", err)
	}
	defer rows.Close()
	var out []messaging.Event
	for rows.Next() {
		var id core.UUID
		var seq int64
		var d deliveryRow
		if err := rows.Scan(&id, &seq, &d.AgentID, &d.State, &d.Replies); err != nil {
			return nil, wrap("read events", err)
		}
		if len(out) == 0 || out[len(out)-1].Seq != seq {
			out = append(out, *completeEvent(ch.ID, seq, result(ch, id, nil)))
		}
		if d.AgentID != "" {
			r := out[len(out)-1].Result
			r.Agents = append(r.Agents, d.result())
		}
	}
	return out, wrap("read events", rows.Err())
}

func otherEvents(tx *gorm.DB, ch *channelRow, after int64, limit int) ([]messaging.Event, error) {
	var rows []eventRow
	// Edits of messages deleted since are left out here, for what is left out below shortens the page.
	err := tx.Raw(`SELECT * FROM channel_events WHERE channel_id = ? AND seq > ? AND seq <= ? AND (kind <> 'edited'
		OR EXISTS (SELECT 1 FROM central_messages m WHERE m.id = message_id)) ORDER BY seq LIMIT ?`, ch.ID, after, ch.Head, limit).Scan(&rows).Error
	if err != nil {
		return nil, wrap("read events", err)
	}
	out := make([]messaging.Event, 0, len(rows))
	for i := range rows {
		e := messaging.Event{Seq: rows[i].Seq, Kind: rows[i].Kind, ChannelID: ch.ID, MessageID: rows[i].MessageID}
		if rows[i].Result != nil {
			e.Result = &rows[i].Result.V
		}
		if e.Kind == messaging.KindEdited {
			msg, err := messageBy(tx, `WHERE m.id = ?`, e.MessageID)
			if core.CodeOf(err) == core.CodeNotFound {
				continue // deleted since
			}
			if err != nil {
				return nil, err
			}
			e.Message = msg
		}
		out = append(out, e)
	}
	return out, nil
}

// record stores a numbered change of a locked channel that is not on a message row.
func record(tx *gorm.DB, ch *channelRow, kind string, message core.UUID, res *messaging.Result) (messaging.Event, error) {
	row := eventRow{ChannelID: ch.ID, Seq: ch.next(), Kind: kind, MessageID: message, CreatedAt: nowOf(tx)}
	if res != nil {
		row.Result = &jsonColumn[messaging.Result]{V: *res}
	}
	err := tx.Create(&row).Error
	return messaging.Event{Seq: row.Seq, Kind: kind, ChannelID: ch.ID, MessageID: message, Result: res}, wrap("record event", err)
}

func (s messagingStore) EditMessage(ctx context.Context, id core.UUID, e messaging.Edit) (*messaging.Event, error) {
	var ev messaging.Event
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		msg, err := messageBy(tx, `WHERE m.id = ?`, id)
		if err != nil {
			return err
		}
		return withChannel(tx, msg.ChannelID, func(ch *channelRow) error {
			applyEdit(msg, e)
			msg.UpdatedAt = max(nowOf(tx), msg.UpdatedAt)
			if err := tx.Exec(`UPDATE central_messages SET content = ?, raw_message = ?, metadata = ?, source_type = ?, in_reply_to = ?, author_id = ?, updated_at = ? WHERE id = ?`,
				msg.Content, jsonMap(msg.Raw), jsonMap(msg.Metadata), msg.SourceType, msg.InReplyTo, msg.AuthorID, msg.UpdatedAt, id).Error; err != nil {
				return wrap("edit message", err)
			}
			ev, err = record(tx, ch, messaging.KindEdited, id, nil)
			ev.Message = msg
			return err
		})
	})
	return &ev, err
}

func applyEdit(msg *messaging.Message, e messaging.Edit) {
	if e.Content != nil {
		msg.Content = *e.Content
	}
	if e.Raw != nil {
		msg.Raw = e.Raw
	}
	if e.Metadata != nil {
		msg.Metadata = e.Metadata
	}
	if e.SourceType != nil {
		msg.SourceType = *e.SourceType
	}
	if e.InReplyTo != nil {
		msg.InReplyTo = *e.InReplyTo
	}
	if e.AuthorID != nil {
		msg.AuthorID = *e.AuthorID
	}
}

func (s messagingStore) DeleteMessage(ctx context.Context, channel, message core.UUID) (*messaging.Ended, error) {
	return s.erase(ctx, channel, messaging.KindDeleted, message, `AND id = ?`, message)
}

func (s messagingStore) ClearChannel(ctx context.Context, channel core.UUID) (*messaging.Ended, error) {
	return s.erase(ctx, channel, messaging.KindCleared, "", ``)
}

// erase deletes messages of a channel. Those that agents have not ended with are completed as stopped
// first: whoever waits for them is told.
func (s messagingStore) erase(ctx context.Context, channel core.UUID, kind string, message core.UUID, cond string, args ...any) (*messaging.Ended, error) {
	var ended *messaging.Ended
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		ended = &messaging.Ended{ChannelID: channel}
		return withChannel(tx, channel, func(ch *channelRow) error {
			if err := cancelOpen(tx, ch, ended, cond, args...); err != nil {
				return err
			}
			res := tx.Exec(`DELETE FROM central_messages WHERE channel_id = ? `+cond, append([]any{channel}, args...)...)
			if res.Error != nil {
				return wrap("delete messages", res.Error)
			}
			if message != "" && res.RowsAffected == 0 {
				return messaging.ErrMessageNotFound
			}
			ev, err := record(tx, ch, kind, message, nil)
			ended.Events = append(ended.Events, ev)
			return err
		})
	})
	return ended, err
}

// cancelOpen completes the messages, of those cond selects, that agents have not ended with.
func cancelOpen(tx *gorm.DB, ch *channelRow, ended *messaging.Ended, cond string, args ...any) error {
	var open []core.UUID
	err := tx.Raw(`SELECT id FROM central_messages WHERE channel_id = ? `+cond+` AND open_deliveries > 0 AND NOT by_agent ORDER BY seq`,
		append([]any{ch.ID}, args...)...).Scan(&open).Error
	if err != nil {
		return wrap("find open messages", err)
	}
	for _, id := range open {
		res, err := cancelled(tx, ch, id)
		if err != nil {
			return err
		}
		ev, err := record(tx, ch, messaging.KindComplete, id, res)
		if err != nil {
			return err
		}
		ended.Events = append(ended.Events, ev)
	}
	return nil
}

// cancelled is the result of a message whose open deliveries end because it is deleted.
func cancelled(tx *gorm.DB, ch *channelRow, message core.UUID) (*messaging.Result, error) {
	var rows []deliveryRow
	if err := tx.Raw(`SELECT agent_id, state, replies FROM deliveries WHERE message_id = ? ORDER BY agent_id`, message).Scan(&rows).Error; err != nil {
		return nil, wrap("read deliveries", err)
	}
	for i := range rows {
		if rows[i].State == messaging.StatePending || rows[i].State == messaging.StateLeased {
			rows[i].State = messaging.StateCancelled
		}
	}
	return result(ch, message, rows), nil
}

func (s messagingStore) Complete(ctx context.Context, channel core.UUID, r messaging.Result) (*messaging.Event, error) {
	var ev messaging.Event
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		return withChannel(tx, channel, func(ch *channelRow) (err error) {
			ev, err = record(tx, ch, messaging.KindComplete, r.MessageID, &r)
			return err
		})
	})
	return &ev, err
}
