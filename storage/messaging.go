package storage

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// messagingStore keeps message servers, channels, messages and deliveries.
type messagingStore struct{ db *DB }

var _ messaging.Store = messagingStore{}

// Messaging returns the store of package messaging.
func (db *DB) Messaging() messaging.Store { return messagingStore{db} }

// messageRow is a row of central_messages: the message and what only the store knows of it.
type messageRow struct {
	messaging.Message
	dedupKey    *string
	completeSeq *int64
	open        int // deliveries that have not ended
}

// selectMessages begins every query for messages, c being the channel. Messages are read and written most
// of all: they go by GORM's mapping of structs, which takes longer than the query.
const selectMessages = `SELECT ` + messageColumns + ` FROM central_messages m JOIN channels c ON c.id = m.channel_id `

const messageColumns = `m.id, m.channel_id, c.server_id, m.author_id, m.by_agent, m.content, m.raw_message, m.metadata,
	m.source_type, m.source_id, m.in_reply_to, m.seq, m.created_at, m.updated_at`

// scanMessage reads messageColumns, and more after them.
func scanMessage(row interface{ Scan(...any) error }, m *messaging.Message, more ...any) error {
	return row.Scan(append([]any{
		&m.ID, &m.ChannelID, &m.ServerID, &m.AuthorID, &m.ByAgent, &m.Content, (*jsonMap)(&m.Raw), (*jsonMap)(&m.Metadata),
		&m.SourceType, &m.SourceID, &m.InReplyTo, &m.Seq, &m.CreatedAt, &m.UpdatedAt,
	}, more...)...)
}

// messages runs a query that selectMessages begins and rest ends.
func messages(tx *gorm.DB, rest string, args ...any) ([]messaging.Message, error) {
	out, _, err := messagesWithin(tx, math.MaxInt, rest, args...)
	return out, err
}

// messagesWithin is messages up to so many bytes, about, but one at least; cut tells whether rows were left.
func messagesWithin(tx *gorm.DB, bytes int, rest string, args ...any) (out []messaging.Message, cut bool, err error) {
	rows, err := tx.Raw(selectMessages+rest, args...).Rows()
	if err != nil {
		return nil, false, wrap("read messages", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m messaging.Message
		if err := scanMessage(rows, &m); err != nil {
			return nil, false, wrap("read message", err)
		}
		if bytes -= m.Weight(); bytes < 0 && len(out) > 0 {
			return out, true, nil
		}
		out = append(out, m)
	}
	return out, false, wrap("read messages", rows.Err())
}

func (s messagingStore) Message(ctx context.Context, id core.UUID) (*messaging.Message, error) {
	return messageBy(s.db.read(ctx), `WHERE m.id = ?`, id)
}

func messageBy(tx *gorm.DB, where string, args ...any) (*messaging.Message, error) {
	found, err := messages(tx, where+` LIMIT 1`, args...)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, messaging.ErrMessageNotFound
	}
	return &found[0], nil
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
	case p.Oldest:
		page, more, err := messagePage(s.db.read(ctx), where+` ORDER BY m.created_at, m.seq LIMIT ?`, append(args, p.Limit+1), p.Limit)
		slices.Reverse(page)
		return page, more, err
	case p.Before > 0 || p.After > 0:
		order = ` ORDER BY m.created_at DESC, m.seq DESC`
	}
	return messagePage(s.db.read(ctx), where+order+` LIMIT ?`, append(args, p.Limit+1), p.Limit)
}

// pageBytes is how large a page becomes, about, whatever its limit: 30 messages with the longest contents are
// less.
const pageBytes = 16 << 20

// messagePage reads limit+1 rows to know whether there are more than limit. A page that would be too large is
// as one with a smaller limit.
func messagePage(tx *gorm.DB, rest string, args []any, limit int) ([]messaging.Message, bool, error) {
	page, cut, err := messagesWithin(tx, pageBytes, rest, args...)
	if err != nil {
		return nil, false, err
	}
	n := min(len(page), limit)
	return page[:n:n], cut || len(page) > limit, nil
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
	page, err := messages(tx, where+` ORDER BY m.created_at DESC, m.seq DESC LIMIT ? OFFSET ?`, append(args, q.Limit, q.Offset)...)
	return page, total, err
}

// lockChannel reads a channel for a change of its number line and, where the database locks rows, locks it:
// channel first, then its messages, is the one order of locks.
func lockChannel(tx *gorm.DB, id core.UUID) (*channelRow, error) {
	var c channelRow
	err := tx.Raw(`SELECT id, server_id, name, type, source_type, source_id, topic, metadata, dm_key, head, last_at, created_at, updated_at
		FROM channels WHERE id = ?`+forUpdate(tx), id).Row().Scan(&c.ID, &c.ServerID, &c.Name, &c.Type, &c.SourceType, &c.SourceID,
		&c.Topic, &c.Metadata, &c.DMKey, &c.Head, &c.LastAt, &c.CreatedAt, &c.UpdatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, messaging.ErrChannelNotFound
	}
	return &c, wrap("lock channel", err)
}

// forUpdate locks the rows a query reads; SQLite has one writer and needs no locks.
func forUpdate(tx *gorm.DB) string {
	if tx.Name() == "postgres" {
		return ` FOR UPDATE`
	}
	return ``
}

// withChannel runs fn with a locked channel and stores how far fn took its number line.
func withChannel(tx *gorm.DB, id core.UUID, fn func(ch *channelRow) error) error {
	ch, err := lockChannel(tx, id)
	if err == nil {
		err = fn(ch)
	}
	if err != nil {
		return err
	}
	return ch.save(tx)
}

// next gives out the next number of a locked channel.
func (c *channelRow) next() int64 {
	c.Head++
	return c.Head
}

func (c *channelRow) save(tx *gorm.DB) error {
	return wrap("advance channel", tx.Exec(`UPDATE channels SET head = ?, last_at = ? WHERE id = ?`, c.Head, c.LastAt, c.ID).Error)
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
func isDuplicate(err error) bool {
	return errors.Is(err, gorm.ErrDuplicatedKey) || err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// isForeign tells a row that names one that is not there from other errors.
func isForeign(err error) bool {
	return errors.Is(err, gorm.ErrForeignKeyViolated) || err != nil && strings.Contains(err.Error(), "FOREIGN KEY constraint failed")
}
