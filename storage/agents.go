package storage

import (
	"context"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

// agentStore keeps agents.
type agentStore struct{ db *DB }

var _ agents.Store = agentStore{}

// Agents returns the store of package agents.
func (db *DB) Agents() agents.Store { return agentStore{db} }

// agentRow is a row of agents.
type agentRow struct {
	ID        core.UUID `gorm:"primaryKey"`
	Name      string
	Bio       string
	Active    bool
	Version   int64
	Character jsonColumn[core.Character]
	StartedAt core.Millis
	CreatedAt core.Millis `gorm:"autoCreateTime:false"`
	UpdatedAt core.Millis `gorm:"autoUpdateTime:false"`
}

// TableName names the table for GORM.
func (agentRow) TableName() string { return "agents" }

func toAgentRow(a *agents.Agent) *agentRow {
	c := a.Character
	return &agentRow{
		ID: c.ID, Name: c.Name, Bio: c.Bio.First(), Active: a.Active, Version: a.Version, Character: jsonColumn[core.Character]{V: *c},
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func (r *agentRow) agent() *agents.Agent {
	return &agents.Agent{Character: &r.Character.V, Active: r.Active, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}

func (s agentStore) Agent(ctx context.Context, id core.UUID) (*agents.Agent, error) {
	var rows []agentRow
	if err := s.db.read(ctx).Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return nil, wrap("read agent", err)
	}
	if len(rows) == 0 {
		return nil, agents.ErrNotFound
	}
	return rows[0].agent(), nil
}

func (s agentStore) List(ctx context.Context, limit, offset int) ([]agents.Summary, error) {
	var rows []agentRow
	err := s.db.read(ctx).Raw(`SELECT id, name, bio, active FROM agents ORDER BY active DESC, name COLLATE NOCASE, id LIMIT ? OFFSET ?`, limit, offset).Scan(&rows).Error
	out := make([]agents.Summary, len(rows))
	for i, r := range rows {
		out[i] = agents.Summary{ID: r.ID, Name: r.Name, CharacterName: r.Name, Bio: r.Bio, Status: agents.StatusOf(r.Active)}
	}
	return out, wrap("list agents", err)
}

func (s agentStore) Insert(ctx context.Context, a *agents.Agent) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("store agent", tx.Create(toAgentRow(a)).Error)
	})
}

func (s agentStore) Update(ctx context.Context, a *agents.Agent) (*agents.Agent, error) {
	row := toAgentRow(a)
	row.Version = a.Version + 1
	row.UpdatedAt = max(nowOf(s.db.readers), a.UpdatedAt+1)
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`UPDATE agents SET name = ?, bio = ?, version = ?, character = ?, updated_at = ?,
			started_at = CASE WHEN ? AND NOT active THEN ? ELSE started_at END, active = ? WHERE id = ? AND version = ?`,
			row.Name, row.Bio, row.Version, row.Character, row.UpdatedAt, row.Active, row.UpdatedAt, row.Active, row.ID, a.Version)
		if res.Error == nil && res.RowsAffected == 0 {
			return &core.Error{Code: core.CodeConflict, Message: "The agent was changed by somebody else"}
		}
		return wrap("update agent", res.Error)
	})
	if err != nil {
		return nil, err
	}
	return row.agent(), nil
}

func (s agentStore) Delete(ctx context.Context, id core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("delete agent", tx.Exec(`DELETE FROM agents WHERE id = ?`, id).Error)
	})
}

func (s agentStore) Active(ctx context.Context, limit int) ([]core.UUID, error) {
	ids := []core.UUID{}
	err := s.db.read(ctx).Raw(`SELECT id FROM agents WHERE active ORDER BY started_at, id LIMIT ?`, limit).Scan(&ids).Error
	return ids, wrap("list active agents", err)
}

func (s agentStore) CountActive(ctx context.Context) (n int, err error) {
	err = s.db.read(ctx).Raw(`SELECT count(*) FROM agents WHERE active`).Scan(&n).Error
	return n, wrap("count agents", err)
}
