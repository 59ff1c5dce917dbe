package storage

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// Connect reads first, for mostly everything is known: no write then.
func (s memoryStore) Connect(ctx context.Context, c memory.Connection) (*core.Room, error) {
	known, err := readConnection(s.db.read(ctx), c)
	if err != nil {
		return nil, err
	}
	if known.complete() {
		return &known.room, nil
	}
	var room core.Room
	err = s.db.write(ctx, func(tx *gorm.DB) error {
		now, err := readConnection(tx, c)
		if err != nil {
			return err
		}
		room = now.room
		return now.write(tx)
	})
	if err != nil {
		return nil, err
	}
	return &room, nil
}

// connection is a connection as it is to be stored, and which parts of it are new or changed.
type connection struct {
	world       core.World
	room        core.Room
	entities    []core.Entity // new or changed
	places      []placeRow    // new
	writeWorld  bool
	writeRoom   bool
	createdTime core.Millis
}

// placeRow is a row of room_participants.
type placeRow struct {
	AgentID  core.UUID `gorm:"primaryKey"`
	RoomID   core.UUID `gorm:"primaryKey"`
	EntityID core.UUID `gorm:"primaryKey"`
	State    string
}

// TableName names the table for GORM.
func (placeRow) TableName() string { return "room_participants" }

func (c *connection) complete() bool {
	return !c.writeWorld && !c.writeRoom && len(c.entities) == 0 && len(c.places) == 0
}

func readConnection(tx *gorm.DB, want memory.Connection) (*connection, error) {
	c := &connection{createdTime: nowOf(tx)}
	want.World.CreatedAt = cmp.Or(want.World.CreatedAt, core.ISO(c.createdTime))
	want.Room.CreatedAt = cmp.Or(want.Room.CreatedAt, c.createdTime)
	agent := want.Room.AgentID
	if want.World.ID != "" {
		old, err := world(tx, agent, want.World.ID)
		if err != nil {
			return nil, err
		}
		c.world, c.writeWorld = want.MergeWorld(old)
	}
	old, err := room(tx, agent, want.Room.ID)
	if err != nil {
		return nil, err
	}
	c.room, c.writeRoom = want.MergeRoom(old)
	if c.room.Metadata == nil {
		c.room.Metadata = map[string]any{}
	}
	if err := c.readEntities(tx, want); err != nil {
		return nil, err
	}
	return c, c.readPlaces(tx, want)
}

func (c *connection) readEntities(tx *gorm.DB, want memory.Connection) error {
	agent := want.Room.AgentID
	if len(want.Agent.Names) > 0 {
		old, err := entity(tx, agent, agent)
		if err != nil {
			return err
		}
		if old == nil || !slices.Equal(old.Names, want.Agent.Names) {
			e := want.Agent
			if old != nil {
				e.Metadata = old.Metadata
			}
			c.entities = append(c.entities, e)
		}
	}
	for _, m := range want.Members {
		old, err := entity(tx, agent, m.ID)
		if err != nil {
			return err
		}
		if e, changed := want.MergeMember(old, m); changed {
			c.entities = append(c.entities, e)
		}
	}
	return nil
}

func (c *connection) readPlaces(tx *gorm.DB, want memory.Connection) error {
	agent := want.Room.AgentID
	ids := []core.UUID{agent}
	for _, m := range want.Members {
		ids = append(ids, m.ID)
	}
	var rows []placeRow
	if err := tx.Raw(`SELECT * FROM room_participants WHERE agent_id = ? AND room_id = ? AND entity_id IN ?`, agent, want.Room.ID, ids).Scan(&rows).Error; err != nil {
		return wrap("read participants", err)
	}
	have := map[core.UUID]bool{}
	for _, r := range rows {
		have[r.EntityID] = true
	}
	for _, id := range ids {
		if have[id] {
			continue
		}
		p := placeRow{AgentID: agent, RoomID: want.Room.ID, EntityID: id}
		if id == agent {
			p.State = want.Room.State
			c.room.State = p.State
		}
		c.places = append(c.places, p)
	}
	return nil
}

func (c *connection) write(tx *gorm.DB) error {
	if c.writeWorld {
		err := tx.Clauses(upsert("name", "server_id")).Create(toWorldRow(c.world)).Error
		if err != nil {
			return wrap("store world", err)
		}
	}
	if c.writeRoom {
		err := tx.Clauses(upsert("name", "type", "channel_id", "world_id", "server_id")).Create(toRoomRow(c.room)).Error
		if err != nil {
			return wrap("store room", err)
		}
	}
	for _, e := range c.entities {
		row := entityRow{AgentID: e.AgentID, ID: e.ID, Names: jsonColumn[[]string]{e.Names}, Metadata: e.Metadata, CreatedAt: c.createdTime}
		if err := tx.Clauses(upsert("names", "metadata")).Create(&row).Error; err != nil {
			return wrap("store entity", err)
		}
	}
	if len(c.places) > 0 {
		return wrap("store participants", tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&c.places).Error)
	}
	return nil
}

// upsert replaces columns of an agent's row that exists.
func upsert(columns ...string) clause.OnConflict {
	return clause.OnConflict{Columns: []clause.Column{{Name: "agent_id"}, {Name: "id"}}, DoUpdates: clause.AssignmentColumns(columns)}
}
