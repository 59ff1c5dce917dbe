package storage

import (
	"context"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// serverRow is a row of message_servers.
type serverRow struct {
	ID         core.UUID `gorm:"primaryKey"`
	Name       string
	SourceType string
	SourceID   string
	Metadata   jsonMap
	CreatedAt  core.Millis `gorm:"autoCreateTime:false"`
	UpdatedAt  core.Millis `gorm:"autoUpdateTime:false"`
}

// TableName names the table for GORM.
func (serverRow) TableName() string { return "message_servers" }

func (r *serverRow) server() messaging.Server {
	return messaging.Server{
		ID: r.ID, Name: r.Name, SourceType: r.SourceType, SourceID: r.SourceID, Metadata: r.Metadata,
		CreatedAt: core.ISO(r.CreatedAt), UpdatedAt: core.ISO(r.UpdatedAt),
	}
}

func toServerRow(s messaging.Server) *serverRow {
	return &serverRow{
		ID: s.ID, Name: s.Name, SourceType: s.SourceType, SourceID: s.SourceID, Metadata: s.Metadata,
		CreatedAt: core.Millis(s.CreatedAt), UpdatedAt: core.Millis(s.UpdatedAt),
	}
}

func serverExists(tx *gorm.DB, id core.UUID) (ok bool, err error) {
	err = tx.Raw(`SELECT EXISTS (SELECT 1 FROM message_servers WHERE id = ?)`, id).Scan(&ok).Error
	return ok, wrap("read message server", err)
}

func (s messagingStore) EnsureServer(ctx context.Context, srv messaging.Server) error {
	if ok, err := serverExists(s.db.read(ctx), srv.ID); ok || err != nil {
		return err
	}
	err := s.CreateServer(ctx, srv)
	if core.CodeOf(err) == core.CodeConflict { // another process was quicker
		return nil
	}
	return err
}

func (s messagingStore) Servers(ctx context.Context, limit int) ([]messaging.Server, error) {
	var rows []serverRow
	if err := s.db.read(ctx).Order("created_at, id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, wrap("list message servers", err)
	}
	out := make([]messaging.Server, len(rows))
	for i := range rows {
		out[i] = rows[i].server()
	}
	return out, nil
}

func (s messagingStore) Server(ctx context.Context, id core.UUID) (*messaging.Server, error) {
	var rows []serverRow
	if err := s.db.read(ctx).Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return nil, wrap("read message server", err)
	}
	if len(rows) == 0 {
		return nil, messaging.ErrServerNotFound
	}
	out := rows[0].server()
	return &out, nil
}

func (s messagingStore) CreateServer(ctx context.Context, srv messaging.Server) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("store message server", tx.Create(toServerRow(srv)).Error)
	})
}

func (s messagingStore) DeleteServer(ctx context.Context, id core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("delete message server", tx.Exec(`DELETE FROM message_servers WHERE id = ?`, id).Error)
	})
}

func (s messagingStore) ServerAgents(ctx context.Context, server core.UUID) ([]core.UUID, error) {
	return s.ids(ctx, `SELECT agent_id FROM message_server_agents WHERE server_id = ? ORDER BY agent_id`, server)
}

func (s messagingStore) AgentServers(ctx context.Context, agent core.UUID) ([]core.UUID, error) {
	return s.ids(ctx, `SELECT server_id FROM message_server_agents WHERE agent_id = ? ORDER BY server_id`, agent)
}

func (s messagingStore) ids(ctx context.Context, query string, arg core.UUID) ([]core.UUID, error) {
	ids := []core.UUID{}
	err := s.db.read(ctx).Raw(query, arg).Scan(&ids).Error
	return ids, wrap("list server agents", err)
}

func (s messagingStore) AddServerAgent(ctx context.Context, server, agent core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO message_server_agents (server_id, agent_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, server, agent).Error
		if isForeign(err) {
			return messaging.ErrServerNotFound
		}
		return wrap("add server agent", err)
	})
}

func (s messagingStore) RemoveServerAgent(ctx context.Context, server, agent core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("remove server agent", tx.Exec(`DELETE FROM message_server_agents WHERE server_id = ? AND agent_id = ?`, server, agent).Error)
	})
}

func (s messagingStore) ForgetAgent(ctx context.Context, agent core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		for _, q := range [...]string{
			`DELETE FROM message_server_agents WHERE agent_id = ?`,
			`DELETE FROM channel_participants WHERE entity_id = ?`,
		} {
			if err := tx.Exec(q, agent).Error; err != nil {
				return wrap("forget agent", err)
			}
		}
		return nil
	})
}
