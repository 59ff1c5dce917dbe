package storage

import (
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

const selectSessions = `SELECT id, channel_id, agent_id, user_id, timeout, auto_renew, max_duration, warning, renewals,
	created_at, renewed_at, last_activity, expires_at, metadata FROM sessions `

func scanSession(row interface{ Scan(...any) error }) (*messaging.Session, error) {
	s := messaging.Session{}
	err := row.Scan(&s.ID, &s.ChannelID, &s.AgentID, &s.UserID, &s.Timeouts.Timeout, &s.Timeouts.AutoRenew, &s.Timeouts.MaxDuration,
		&s.Timeouts.Warning, &s.Renewals, &s.CreatedAt, &s.RenewedAt, &s.LastActivity, &s.ExpiresAt, (*jsonMap)(&s.Metadata))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, messaging.ErrSessionNotFound
	}
	return &s, wrap("read session", err)
}

func (s messagingStore) CreateSession(ctx context.Context, n messaging.Session, c messaging.NewChannel) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		if _, err := insertChannel(tx, c); err != nil {
			return err
		}
		return wrap("store session", tx.Exec(`INSERT INTO sessions (id, channel_id, agent_id, user_id, timeout, auto_renew, max_duration,
			warning, renewals, created_at, renewed_at, last_activity, expires_at, metadata) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			n.ID, n.ChannelID, n.AgentID, n.UserID, n.Timeouts.Timeout, n.Timeouts.AutoRenew, n.Timeouts.MaxDuration, n.Timeouts.Warning,
			n.Renewals, n.CreatedAt, n.RenewedAt, n.LastActivity, n.ExpiresAt, jsonMap(n.Metadata)).Error)
	})
}

func (s messagingStore) Session(ctx context.Context, id core.UUID) (*messaging.Session, error) {
	return scanSession(s.db.read(ctx).Raw(selectSessions+`WHERE id = ?`, id).Row())
}

func (s messagingStore) Sessions(ctx context.Context, now core.Millis, limit int) ([]messaging.Session, messaging.SessionStats, error) {
	var stats messaging.SessionStats
	tx := s.db.read(ctx)
	err := tx.Raw(`SELECT count(*), coalesce(sum(CASE WHEN expires_at > ? THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN expires_at > ? AND expires_at - warning * 60000 <= ? THEN 1 ELSE 0 END), 0) FROM sessions`,
		now, now, now).Row().Scan(&stats.Total, &stats.Active, &stats.Expiring)
	if err != nil {
		return nil, stats, wrap("count sessions", err)
	}
	stats.Expired = stats.Total - stats.Active
	rows, err := tx.Raw(selectSessions+`WHERE expires_at > ? ORDER BY created_at DESC, id LIMIT ?`, now, limit).Rows()
	if err != nil {
		return nil, stats, wrap("list sessions", err)
	}
	defer rows.Close()
	var out []messaging.Session
	for rows.Next() {
		one, err := scanSession(rows)
		if err != nil {
			return nil, stats, err
		}
		out = append(out, *one)
	}
	return out, stats, wrap("list sessions", rows.Err())
}

func (s messagingStore) ChangeSession(ctx context.Context, id core.UUID, fn func(*messaging.Session) error) (*messaging.Session, error) {
	var out *messaging.Session
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		n, err := scanSession(tx.Raw(selectSessions+`WHERE id = ?`+forUpdate(tx), id).Row())
		if err == nil {
			err = fn(n)
		}
		if err != nil {
			return err
		}
		out = n
		return wrap("change session", tx.Exec(`UPDATE sessions SET timeout = ?, auto_renew = ?, max_duration = ?, warning = ?, renewals = ?,
			renewed_at = ?, last_activity = ?, expires_at = ? WHERE id = ?`, n.Timeouts.Timeout, n.Timeouts.AutoRenew, n.Timeouts.MaxDuration,
			n.Timeouts.Warning, n.Renewals, n.RenewedAt, n.LastActivity, n.ExpiresAt, id).Error)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s messagingStore) DeleteSession(ctx context.Context, id core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`DELETE FROM sessions WHERE id = ?`, id)
		if res.Error == nil && res.RowsAffected == 0 {
			return messaging.ErrSessionNotFound
		}
		return wrap("delete session", res.Error)
	})
}

func (s messagingStore) SweepSessions(ctx context.Context, now core.Millis) error {
	return s.sweep(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?)`, now)
}
