package storage

import (
	"context"
	"maps"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// worldRow is a row of worlds.
type worldRow struct {
	AgentID   core.UUID `gorm:"primaryKey"`
	ID        core.UUID `gorm:"primaryKey"`
	Name      string
	ServerID  string
	Metadata  jsonMap
	CreatedAt core.Millis `gorm:"autoCreateTime:false"`
}

// TableName names the table for GORM.
func (worldRow) TableName() string { return "worlds" }

func toWorldRow(w core.World) *worldRow {
	return &worldRow{AgentID: w.AgentID, ID: w.ID, Name: w.Name, ServerID: w.ServerID, Metadata: w.Metadata, CreatedAt: core.Millis(w.CreatedAt)}
}

func (r *worldRow) world() core.World {
	return core.World{ID: r.ID, AgentID: r.AgentID, Name: r.Name, ServerID: r.ServerID, Metadata: r.Metadata, CreatedAt: core.ISO(r.CreatedAt)}
}

// roomRow is a row of rooms, with the agent's state in it when the query joins that.
type roomRow struct {
	AgentID   core.UUID `gorm:"primaryKey"`
	ID        core.UUID `gorm:"primaryKey"`
	Name      string
	Source    string
	Type      string
	ChannelID core.UUID
	WorldID   core.UUID
	ServerID  string
	Metadata  jsonMap
	CreatedAt core.Millis `gorm:"autoCreateTime:false"`
	State     string      `gorm:"->;-:migration"`
}

// TableName names the table for GORM.
func (roomRow) TableName() string { return "rooms" }

func toRoomRow(r core.Room) *roomRow {
	return &roomRow{
		AgentID: r.AgentID, ID: r.ID, Name: r.Name, Source: r.Source, Type: r.Type, ChannelID: r.ChannelID, WorldID: r.WorldID,
		ServerID: r.ServerID, Metadata: r.Metadata, CreatedAt: r.CreatedAt,
	}
}

func (r *roomRow) room() core.Room {
	out := core.Room{
		ID: r.ID, AgentID: r.AgentID, Name: r.Name, Source: r.Source, Type: r.Type, ChannelID: r.ChannelID, WorldID: r.WorldID,
		ServerID: r.ServerID, State: r.State, Metadata: r.Metadata, CreatedAt: r.CreatedAt,
	}
	if out.Metadata == nil {
		out.Metadata = map[string]any{}
	}
	return out
}

// The agent's own row among the participants joins a room; without it the agent takes no part.
const (
	selectRooms   = `SELECT r.*, coalesce(p.state, '') AS state FROM rooms r `
	joinOwnPlace  = `room_participants p ON p.agent_id = r.agent_id AND p.room_id = r.id AND p.entity_id = r.agent_id `
	selectRoom    = selectRooms + `LEFT JOIN ` + joinOwnPlace + `WHERE r.agent_id = ? AND r.id = ?`
	selectOwnList = selectRooms + `JOIN ` + joinOwnPlace + `WHERE r.agent_id = ? ORDER BY r.created_at DESC, r.id DESC LIMIT ? OFFSET ?`
)

func (s memoryStore) Rooms(ctx context.Context, agent core.UUID, limit, offset int) ([]core.Room, error) {
	var rows []roomRow
	err := s.db.read(ctx).Raw(selectOwnList, agent, limit, offset).Scan(&rows).Error
	out := make([]core.Room, len(rows))
	for i := range rows {
		out[i] = rows[i].room()
	}
	return out, wrap("list rooms", err)
}

func (s memoryStore) Room(ctx context.Context, agent, id core.UUID) (*core.Room, error) {
	r, err := room(s.db.read(ctx), agent, id)
	if err == nil && r == nil {
		return nil, memory.ErrRoomNotFound
	}
	return r, err
}

// room is nil when there is none.
func room(tx *gorm.DB, agent, id core.UUID) (*core.Room, error) {
	var rows []roomRow
	if err := tx.Raw(selectRoom, agent, id).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, wrap("read room", err)
	}
	r := rows[0].room()
	return &r, nil
}

func (s memoryStore) SetRoomState(ctx context.Context, agent, room core.UUID, state string) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`UPDATE room_participants SET state = ? WHERE agent_id = ? AND room_id = ? AND entity_id = ?`, state, agent, room, agent)
		if res.Error == nil && res.RowsAffected == 0 {
			return memory.ErrRoomNotFound
		}
		return wrap("set room state", res.Error)
	})
}

func (s memoryStore) Worlds(ctx context.Context, agent core.UUID, limit, offset int) ([]core.World, error) {
	w := where(`1 = 1`)
	w.andID(`agent_id`, agent)
	var rows []worldRow
	err := s.db.read(ctx).Raw(`SELECT * FROM worlds`+w.sql+` ORDER BY created_at, id, agent_id LIMIT ? OFFSET ?`, append(w.args, limit, offset)...).Scan(&rows).Error
	out := make([]core.World, len(rows))
	for i := range rows {
		out[i] = rows[i].world()
	}
	return out, wrap("list worlds", err)
}

func (s memoryStore) World(ctx context.Context, agent, id core.UUID) (*core.World, error) {
	w, err := world(s.db.read(ctx), agent, id)
	if err == nil && w == nil {
		return nil, memory.ErrWorldNotFound
	}
	return w, err
}

// world is nil when there is none.
func world(tx *gorm.DB, agent, id core.UUID) (*core.World, error) {
	var rows []worldRow
	if err := tx.Raw(`SELECT * FROM worlds WHERE agent_id = ? AND id = ?`, agent, id).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return nil, wrap("read world", err)
	}
	w := rows[0].world()
	return &w, nil
}

func (s memoryStore) CreateWorld(ctx context.Context, w core.World) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("store world", tx.Create(toWorldRow(w)).Error)
	})
}

func (s memoryStore) PatchWorld(ctx context.Context, agent, id core.UUID, p memory.WorldPatch) (*core.World, error) {
	var w *core.World
	err := s.db.write(ctx, func(tx *gorm.DB) (err error) {
		w, err = world(tx, agent, id)
		if err != nil {
			return err
		}
		if w == nil {
			return memory.ErrWorldNotFound
		}
		if p.Name != nil {
			w.Name = *p.Name
		}
		if p.Metadata != nil {
			merged := map[string]any{}
			maps.Copy(merged, w.Metadata)
			maps.Copy(merged, p.Metadata)
			w.Metadata = merged
		}
		return wrap("update world", tx.Exec(`UPDATE worlds SET name = ?, metadata = ? WHERE agent_id = ? AND id = ?`, w.Name, jsonMap(w.Metadata), agent, id).Error)
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}
