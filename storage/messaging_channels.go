package storage

import (
	"context"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// channelRow is a row of channels.
type channelRow struct {
	ID         core.UUID `gorm:"primaryKey"`
	ServerID   core.UUID
	Name       string
	Type       string
	SourceType string
	SourceID   string
	Topic      string
	Metadata   jsonMap
	DMKey      *string `gorm:"column:dm_key"`
	Head       int64
	LastAt     core.Millis
	Forgotten  int64
	CreatedAt  core.Millis `gorm:"autoCreateTime:false"`
	UpdatedAt  core.Millis `gorm:"autoUpdateTime:false"`
}

// TableName names the table for GORM.
func (channelRow) TableName() string { return "channels" }

func (c *channelRow) channel() *messaging.Channel {
	return &messaging.Channel{
		ID: c.ID, ServerID: c.ServerID, Name: c.Name, Type: c.Type, SourceType: c.SourceType, SourceID: c.SourceID, Topic: c.Topic,
		Metadata: c.Metadata, CreatedAt: core.ISO(c.CreatedAt), UpdatedAt: core.ISO(c.UpdatedAt), Head: c.Head,
	}
}

type participantRow struct {
	ChannelID core.UUID `gorm:"primaryKey"`
	EntityID  core.UUID `gorm:"primaryKey"`
	Position  int
}

// TableName names the table for GORM.
func (participantRow) TableName() string { return "channel_participants" }

func (s messagingStore) Channel(ctx context.Context, id core.UUID) (*messaging.Channel, error) {
	var rows []channelRow
	if err := s.db.read(ctx).Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return nil, wrap("read channel", err)
	}
	if len(rows) == 0 {
		return nil, messaging.ErrChannelNotFound
	}
	return rows[0].channel(), nil
}

func (s messagingStore) Channels(ctx context.Context, server core.UUID, limit, offset int) ([]messaging.Channel, error) {
	var rows []channelRow
	err := s.db.read(ctx).Where("server_id = ?", server).Order("updated_at DESC, id").Limit(limit).Offset(offset).Find(&rows).Error
	return channels(rows), wrap("list channels", err)
}

func channels(rows []channelRow) []messaging.Channel {
	out := make([]messaging.Channel, len(rows))
	for i := range rows {
		out[i] = *rows[i].channel()
	}
	return out
}

func (s messagingStore) CreateChannel(ctx context.Context, c messaging.NewChannel) (*messaging.Channel, error) {
	var out *messaging.Channel
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		if c.DMKey != "" {
			var rows []channelRow
			if err := tx.Where("server_id = ? AND dm_key = ?", c.ServerID, c.DMKey).Limit(1).Find(&rows).Error; err != nil {
				return wrap("find channel", err)
			}
			if len(rows) > 0 {
				out = rows[0].channel()
				return nil
			}
		}
		row, err := insertChannel(tx, c)
		if err == nil {
			out = row.channel()
		}
		return err
	})
	return out, err
}

// insertChannel stores a channel with its participants.
func insertChannel(tx *gorm.DB, c messaging.NewChannel) (*channelRow, error) {
	if ok, err := serverExists(tx, c.ServerID); err != nil || !ok {
		if err == nil {
			err = messaging.ErrServerNotFound.With("Server " + string(c.ServerID) + " does not exist")
		}
		return nil, err
	}
	now := nowOf(tx)
	row := channelRow{
		ID: c.ID, ServerID: c.ServerID, Name: c.Name, Type: c.Type, SourceType: c.SourceType, SourceID: c.SourceID, Topic: c.Topic,
		Metadata: c.Metadata, CreatedAt: now, UpdatedAt: now,
	}
	if c.DMKey != "" {
		row.DMKey = &c.DMKey
	}
	if err := tx.Create(&row).Error; err != nil {
		if isDuplicate(err) {
			return nil, messaging.ErrConflict.With("The channel exists already")
		}
		return nil, wrap("store channel", err)
	}
	return &row, setParticipants(tx, c.ID, c.Participants)
}

func setParticipants(tx *gorm.DB, channel core.UUID, entities []core.UUID) error {
	seen := make(map[core.UUID]bool, len(entities))
	var rows []participantRow
	for _, e := range entities {
		if e != "" && !seen[e] {
			seen[e] = true
			rows = append(rows, participantRow{ChannelID: channel, EntityID: e, Position: len(rows)})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return wrap("store participants", tx.CreateInBatches(&rows, 200).Error)
}

func (s messagingStore) PatchChannel(ctx context.Context, id core.UUID, p messaging.ChannelPatch) (*messaging.Channel, error) {
	var out *messaging.Channel
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		row, err := lockChannel(tx, id)
		if err != nil {
			return err
		}
		if p.Name != nil {
			row.Name = *p.Name
		}
		if p.Topic != nil {
			row.Topic = *p.Topic
		}
		if p.Metadata != nil {
			row.Metadata = p.Metadata
		}
		row.UpdatedAt = max(nowOf(tx), row.UpdatedAt)
		if err := tx.Exec(`UPDATE channels SET name = ?, topic = ?, metadata = ?, updated_at = ? WHERE id = ?`,
			row.Name, row.Topic, row.Metadata, row.UpdatedAt, id).Error; err != nil {
			return wrap("patch channel", err)
		}
		out = row.channel()
		if p.Participants == nil {
			return nil
		}
		if err := tx.Exec(`DELETE FROM channel_participants WHERE channel_id = ?`, id).Error; err != nil {
			return wrap("patch channel", err)
		}
		return setParticipants(tx, id, p.Participants)
	})
	return out, err
}

func (s messagingStore) DeleteChannel(ctx context.Context, id core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("delete channel", tx.Exec(`DELETE FROM channels WHERE id = ?`, id).Error)
	})
}

func (s messagingStore) SyncChannels(ctx context.Context, server core.UUID, list []messaging.NewChannel) ([]messaging.Channel, error) {
	var out []messaging.Channel
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		out = make([]messaging.Channel, 0, len(list))
		for _, c := range list {
			c.ServerID = server
			row, err := syncChannel(tx, c)
			if err != nil {
				return err
			}
			out = append(out, *row.channel())
		}
		return nil
	})
	return out, err
}

func syncChannel(tx *gorm.DB, c messaging.NewChannel) (*channelRow, error) {
	var rows []channelRow
	if err := tx.Where("server_id = ? AND source_id = ? AND source_id <> ''", c.ServerID, c.SourceID).Limit(1).Find(&rows).Error; err != nil {
		return nil, wrap("find channel", err)
	}
	if len(rows) == 0 {
		c.ID = core.NewUUID()
		return insertChannel(tx, c)
	}
	row := &rows[0]
	row.Name, row.Type, row.UpdatedAt = c.Name, c.Type, max(nowOf(tx), row.UpdatedAt)
	err := tx.Exec(`UPDATE channels SET name = ?, type = ?, updated_at = ? WHERE id = ?`, row.Name, row.Type, row.UpdatedAt, row.ID).Error
	return row, wrap("sync channel", err)
}

func (s messagingStore) Participants(ctx context.Context, channel core.UUID, onlyAgents bool) ([]core.UUID, error) {
	q := `SELECT p.entity_id FROM channel_participants p WHERE p.channel_id = ?`
	if onlyAgents {
		q += ` AND EXISTS (SELECT 1 FROM agents a WHERE a.id = p.entity_id)`
	}
	ids := []core.UUID{}
	err := s.db.read(ctx).Raw(q+` ORDER BY p.position, p.entity_id`, channel).Scan(&ids).Error
	return ids, wrap("list participants", err)
}

func (s messagingStore) AddParticipant(ctx context.Context, channel, entity core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		if _, err := lockChannel(tx, channel); err != nil {
			return err
		}
		return wrap("add participant", tx.Exec(`INSERT INTO channel_participants (channel_id, entity_id, position)
			SELECT ?, ?, coalesce(max(position) + 1, 0) FROM channel_participants WHERE channel_id = ? ON CONFLICT DO NOTHING`,
			channel, entity, channel).Error)
	})
}

func (s messagingStore) RemoveParticipant(ctx context.Context, channel, entity core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		if _, err := lockChannel(tx, channel); err != nil {
			return err
		}
		res := tx.Exec(`DELETE FROM channel_participants WHERE channel_id = ? AND entity_id = ?`, channel, entity)
		if res.Error == nil && res.RowsAffected == 0 {
			return messaging.ErrMessageNotFound.With("The agent is not in the channel")
		}
		return wrap("remove participant", res.Error)
	})
}
