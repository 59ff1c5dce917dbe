package storage

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

// entityRow is a row of entities.
type entityRow struct {
	AgentID   core.UUID `gorm:"primaryKey"`
	ID        core.UUID `gorm:"primaryKey"`
	Names     jsonColumn[[]string]
	Metadata  jsonMap
	CreatedAt core.Millis `gorm:"autoCreateTime:false"`
}

// TableName names the table for GORM.
func (entityRow) TableName() string { return "entities" }

func (r *entityRow) entity() core.Entity {
	e := core.Entity{ID: r.ID, AgentID: r.AgentID, Names: r.Names.V, Metadata: r.Metadata}
	if e.Names == nil {
		e.Names = []string{}
	}
	if e.Metadata == nil {
		e.Metadata = map[string]any{}
	}
	return e
}

func entity(tx *gorm.DB, agent, id core.UUID) (*core.Entity, error) {
	var rows []entityRow
	if err := tx.Raw(`SELECT * FROM entities WHERE agent_id = ? AND id = ?`, agent, id).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, wrap("read entity", err)
	}
	e := rows[0].entity()
	return &e, nil
}

func (s memoryStore) Entities(ctx context.Context, agent, room core.UUID, limit int) ([]core.Entity, error) {
	var rows []entityRow
	err := s.db.read(ctx).Raw(`SELECT p.agent_id, p.entity_id AS id, e.names, e.metadata FROM room_participants p
		LEFT JOIN entities e ON e.agent_id = p.agent_id AND e.id = p.entity_id
		WHERE p.agent_id = ? AND p.room_id = ? ORDER BY p.entity_id LIMIT ?`, agent, room, limit).Scan(&rows).Error
	out := make([]core.Entity, len(rows))
	for i := range rows {
		out[i] = rows[i].entity()
	}
	return out, wrap("list entities", err)
}

// relationshipRow is a row of relationships.
type relationshipRow struct {
	AgentID        core.UUID
	SourceEntityID core.UUID
	TargetEntityID core.UUID
	ID             core.UUID
	Tags           jsonColumn[[]string]
	Metadata       jsonMap
	Interactions   int64
	CreatedAt      core.Millis
}

func (r *relationshipRow) relationship() core.Relationship {
	out := core.Relationship{
		ID: r.ID, SourceEntityID: r.SourceEntityID, TargetEntityID: r.TargetEntityID, AgentID: r.AgentID,
		Tags: r.Tags.V, Metadata: maps.Clone(map[string]any(r.Metadata)), CreatedAt: core.ISO(r.CreatedAt),
	}
	if out.Tags == nil {
		out.Tags = []string{}
	}
	if out.Metadata == nil {
		out.Metadata = map[string]any{}
	}
	out.Metadata["interactions"] = r.Interactions
	return out
}

func (s memoryStore) Relationships(ctx context.Context, agent, entity core.UUID, limit int) ([]core.Relationship, error) {
	var rows []relationshipRow
	err := s.db.read(ctx).Raw(`SELECT * FROM relationships WHERE agent_id = ? AND (source_entity_id = ? OR target_entity_id = ?)
		ORDER BY interactions DESC, id LIMIT ?`, agent, entity, entity, limit).Scan(&rows).Error
	out := make([]core.Relationship, len(rows))
	for i := range rows {
		out[i] = rows[i].relationship()
	}
	return out, wrap("list relationships", err)
}

func (s memoryStore) Relate(ctx context.Context, r core.Relationship) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		var rows []relationshipRow
		err := tx.Raw(`SELECT * FROM relationships WHERE agent_id = ? AND source_entity_id = ? AND target_entity_id = ?`+forUpdate(tx),
			r.AgentID, r.SourceEntityID, r.TargetEntityID).Scan(&rows).Error
		if err != nil {
			return wrap("read relationship", err)
		}
		row := relationshipRow{
			AgentID: r.AgentID, SourceEntityID: r.SourceEntityID, TargetEntityID: r.TargetEntityID, ID: r.ID, CreatedAt: core.Millis(r.CreatedAt),
		}
		if len(rows) > 0 {
			row = rows[0]
		}
		row.add(r)
		return wrap("store relationship", tx.Exec(`INSERT INTO relationships
			(agent_id, source_entity_id, target_entity_id, id, tags, metadata, interactions, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (agent_id, source_entity_id, target_entity_id)
			DO UPDATE SET tags = excluded.tags, metadata = excluded.metadata, interactions = excluded.interactions`,
			row.AgentID, row.SourceEntityID, row.TargetEntityID, row.ID, row.Tags, row.Metadata, row.Interactions, row.CreatedAt).Error)
	})
}

// add lays what was noticed now over what is known.
func (r *relationshipRow) add(now core.Relationship) {
	tags := append(slices.Clone(r.Tags.V), now.Tags...)
	slices.Sort(tags)
	r.Tags.V = slices.Compact(tags)
	merged := jsonMap{}
	maps.Copy(merged, r.Metadata)
	maps.Copy(merged, now.Metadata)
	delete(merged, "interactions") // a column: lists are ordered by it
	r.Metadata = merged
	if n, ok := now.Metadata["interactions"].(json.Number); ok && r.Interactions == 0 {
		r.Interactions, _ = n.Int64()
		return
	}
	r.Interactions++
}
