package storage

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// messagingStore keeps message servers, channels, messages and deliveries.
type messagingStore struct{ db *DB }

var _ messaging.Store = messagingStore{}

// Messaging returns the store of package messaging.
func (db *DB) Messaging() messaging.Store { return messagingStore{db} }

// messageRow is a row of central_messages. Its times are milliseconds, set by us.
type messageRow struct {
	ID             core.UUID `gorm:"primaryKey"`
	ChannelID      core.UUID
	AuthorID       core.UUID
	ByAgent        bool
	Content        string
	RawMessage     jsonMap
	Metadata       jsonMap
	SourceType     string
	SourceID       string
	InReplyTo      core.UUID
	DedupKey       *string
	Seq            int64
	CompleteSeq    *int64
	OpenDeliveries int
	CreatedAt      core.Millis `gorm:"autoCreateTime:false"`
	UpdatedAt      core.Millis `gorm:"autoUpdateTime:false"`
	ServerID       core.UUID   `gorm:"->;-:migration"` // of the channel, when the query joins it
}

// TableName names the table for GORM.
func (messageRow) TableName() string { return "central_messages" }

func (r *messageRow) message() *messaging.Message {
	return &messaging.Message{
		ID: r.ID, ChannelID: r.ChannelID, ServerID: r.ServerID, AuthorID: r.AuthorID, ByAgent: r.ByAgent, Content: r.Content,
		Raw: r.RawMessage, Metadata: r.Metadata, SourceType: r.SourceType, SourceID: r.SourceID, InReplyTo: r.InReplyTo,
		Seq: r.Seq, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// selectMessages begins every query for messages: the columns of messageRow, c being the channel.
const selectMessages = `SELECT m.*, c.server_id FROM central_messages m JOIN channels c ON c.id = m.channel_id `

func (s messagingStore) Message(ctx context.Context, id core.UUID) (*messaging.Message, error) {
	return messageBy(s.db.read(ctx), `WHERE m.id = ?`, id)
}

func messageBy(tx *gorm.DB, where string, args ...any) (*messaging.Message, error) {
	var rows []messageRow
	if err := tx.Raw(selectMessages+where+` LIMIT 1`, args...).Scan(&rows).Error; err != nil {
		return nil, wrap("read message", err)
	}
	if len(rows) == 0 {
		return nil, messaging.ErrMessageNotFound
	}
	return rows[0].message(), nil
}

func (s messagingStore) Messages(ctx context.Context, p messaging.Page) ([]messaging.Message, bool, error) {
	where, args := `WHERE m.channel_id = ?`, []any{p.ChannelID}
	and := func(cond string, arg any) { where, args = where+` AND `+cond, append(args, arg) }
	if p.Before > 0 {
		and(`m.created_at < ?`, p.Before)
	}
	if p.After > 0 {
		and(`m.created_at > ?`, p.After)
	}
	order := ` ORDER BY m.seq DESC`
	switch {
	case p.AfterSeq >= 0:
		and(`m.seq > ?`, p.AfterSeq)
		order = ` ORDER BY m.seq`
	case p.Before > 0 || p.After > 0:
		order = ` ORDER BY m.created_at DESC, m.seq DESC`
	}
	return messagePage(s.db.read(ctx), where+order+` LIMIT ?`, append(args, p.Limit+1), p.Limit)
}

// messagePage reads limit+1 rows to know whether there are more than limit.
func messagePage(tx *gorm.DB, rest string, args []any, limit int) ([]messaging.Message, bool, error) {
	var rows []messageRow
	if err := tx.Raw(selectMessages+rest, args...).Scan(&rows).Error; err != nil {
		return nil, false, wrap("list messages", err)
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	out := make([]messaging.Message, len(rows))
	for i := range rows {
		out[i] = *rows[i].message()
	}
	return out, more, nil
}

func (s messagingStore) Search(ctx context.Context, q messaging.Search) ([]messaging.Message, int, error) {
	where, args := `WHERE 1 = 1`, []any{}
	and := func(cond string, arg any) { where, args = where+` AND `+cond, append(args, arg) }
	if q.ChannelID != "" {
		and(`m.channel_id = ?`, q.ChannelID)
	}
	if q.AuthorID != "" {
		and(`m.author_id = ?`, q.AuthorID)
	}
	if q.Query != "" {
		and(`lower(m.content) LIKE lower(?) ESCAPE '\'`, "%"+likeEscape(q.Query)+"%")
	}
	if q.From > 0 {
		and(`m.created_at >= ?`, q.From)
	}
	if q.To > 0 {
		and(`m.created_at <= ?`, q.To)
	}
	var total int
	tx := s.db.read(ctx)
	if err := tx.Raw(`SELECT count(*) FROM central_messages m `+where, args...).Scan(&total).Error; err != nil {
		return nil, 0, wrap("count messages", err)
	}
	page, _, err := messagePage(tx, where+` ORDER BY m.created_at DESC, m.seq DESC LIMIT ? OFFSET ?`, append(args, q.Limit, q.Offset), q.Limit)
	return page, total, err
}

// lockChannel reads a channel for a change of its number line and, where the database locks rows, locks it:
// channel first, then its messages, is the one order of locks.
func lockChannel(tx *gorm.DB, id core.UUID) (*channelRow, error) {
	var rows []channelRow
	if err := tx.Raw(`SELECT * FROM channels WHERE id = ?`+forUpdate(tx), id).Scan(&rows).Error; err != nil {
		return nil, wrap("lock channel", err)
	}
	if len(rows) == 0 {
		return nil, messaging.ErrChannelNotFound
	}
	return &rows[0], nil
}

// forUpdate locks the rows a query reads; SQLite has one writer and needs no locks.
func forUpdate(tx *gorm.DB) string {
	if tx.Name() == "postgres" {
		return ` FOR UPDATE`
	}
	return ``
}

// advance gives out the next n numbers of a locked channel; the first is returned.
func (c *channelRow) advance(tx *gorm.DB, n int64) (int64, error) {
	if n == 0 {
		return c.Head, nil
	}
	first := c.Head + 1
	c.Head += n
	err := tx.Exec(`UPDATE channels SET head = ?, last_at = ? WHERE id = ?`, c.Head, c.LastAt, c.ID).Error
	return first, wrap("advance channel", err)
}

// stamp gives a message its time: at least 2 ms after the one before it, also when the clock steps back,
// as long as that stays less than a second ahead of the clock; else the same time again. Paging by time
// relies on it.
func (c *channelRow) stamp(now core.Millis) core.Millis {
	const step, ahead = 2, 1000
	at := max(now, c.LastAt)
	if next := c.LastAt + step; next > now && next < now+ahead {
		at = next
	}
	c.LastAt = at
	return at
}

// isDuplicate tells a unique key that is taken from other errors.
func isDuplicate(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) }
