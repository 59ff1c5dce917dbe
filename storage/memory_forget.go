package storage

import (
	"context"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

// statement is one step of a deletion.
type statement struct {
	sql  string
	args []any
}

// run executes steps that delete many memories in one transaction.
func (s memoryStore) run(ctx context.Context, doing string, steps ...statement) error {
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		for _, st := range steps {
			if err := tx.Exec(st.sql, st.args...).Error; err != nil {
				return wrap(doing, err)
			}
		}
		return nil
	})
	if err == nil {
		core.AfterCommit(ctx, func() {
			s.db.vectors.clear()
			s.db.recents.clear()
		})
	}
	return err
}

func (s memoryStore) DeleteMemories(ctx context.Context, agent core.UUID, ids []core.UUID) (int64, error) {
	var (
		n         int64
		fragments []core.UUID
	)
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		fragments = nil
		res := tx.Exec(`DELETE FROM memories WHERE agent_id = ? AND id IN ?`, agent, ids)
		n = res.RowsAffected
		if res.Error != nil || n == 0 {
			return wrap("delete memories", res.Error)
		}
		return wrap("delete fragments", tx.Raw(`DELETE FROM memories WHERE agent_id = ? AND document_id IN ? RETURNING id`, agent, ids).Scan(&fragments).Error)
	})
	if err != nil {
		return 0, err
	}
	s.forgetAll(ctx, agent, append(fragments, ids...))
	return n, nil
}

// forgetAll drops what is kept in memory of memories that were removed, once that is committed; ids nil = all
// of the agent's.
func (s memoryStore) forgetAll(ctx context.Context, agent core.UUID, ids []core.UUID) {
	s.forgetVectors(ctx, agent, ids)
	core.AfterCommit(ctx, func() { s.db.recents.forget(agent, "") })
}

func (s memoryStore) DeleteAllMemories(ctx context.Context, agent core.UUID) (int64, error) {
	n, err := s.deletePortions(ctx, "memories", where(`agent_id = ?`, agent))
	s.forgetAll(ctx, agent, nil)
	return n, err
}

func (s memoryStore) DeleteRoomMemories(ctx context.Context, agent, room core.UUID, tables []string) error {
	const gone = ` FROM memories WHERE agent_id = ? AND room_id = ? AND type IN ?`
	return s.run(ctx, "delete memories of room",
		statement{`DELETE FROM memories WHERE agent_id = ? AND document_id IN (SELECT id` + gone + `)`, []any{agent, agent, room, tables}},
		statement{`DELETE` + gone, []any{agent, room, tables}})
}

func (s memoryStore) ForgetMessage(ctx context.Context, message core.UUID) error {
	var gone []memoryRow
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		gone = nil
		return wrap("forget message", tx.Raw(`DELETE FROM memories WHERE source_id = ? OR id = ? RETURNING id, agent_id`, message, message).Scan(&gone).Error)
	})
	if err != nil {
		return err
	}
	for _, r := range gone {
		s.forgetAll(ctx, r.AgentID, []core.UUID{r.ID})
	}
	return nil
}

func (s memoryStore) ForgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error {
	return s.forgetRooms(ctx, dropRooms, `channel_id = ?`, channel)
}

func (s memoryStore) ForgetGroup(ctx context.Context, id core.UUID, dropRooms bool) error {
	return s.forgetRooms(ctx, dropRooms, `(world_id = ? OR server_id = ?)`, id, id)
}

// forgetRooms removes the messages of the selected rooms of all agents or, with drop, those rooms, all
// under them and the worlds they leave empty.
func (s memoryStore) forgetRooms(ctx context.Context, drop bool, cond string, args ...any) error {
	rooms := `(agent_id, room_id) IN (SELECT agent_id, id FROM rooms WHERE ` + cond + `)`
	if !drop {
		return s.run(ctx, "clear rooms", statement{`DELETE FROM memories WHERE type = 'messages' AND ` + rooms, args})
	}
	twice := append(append([]any{}, args...), args...)
	return s.run(ctx, "forget rooms",
		statement{`DELETE FROM memories WHERE ` + rooms, args},
		statement{`DELETE FROM agent_logs WHERE ` + rooms, args},
		statement{`DELETE FROM worlds WHERE (agent_id, id) IN (SELECT agent_id, world_id FROM rooms WHERE ` + cond + `)
			AND NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.agent_id = worlds.agent_id AND rooms.world_id = worlds.id AND NOT ` + cond + `)`, twice},
		statement{`DELETE FROM rooms WHERE ` + cond, args}) // participants go with them
}

func (s memoryStore) ForgetAgent(ctx context.Context, agent core.UUID) error {
	defer s.forgetAll(ctx, agent, nil) // a deletion that was cut has removed something too
	for _, table := range [...]string{"memories", "agent_logs"} {
		if _, err := s.deletePortions(ctx, table, where(`agent_id = ?`, agent)); err != nil {
			return err
		}
	}
	own := []any{agent}
	return s.run(ctx, "forget agent",
		statement{`DELETE FROM relationships WHERE agent_id = ?`, own},
		statement{`DELETE FROM entities WHERE agent_id = ?`, own},
		statement{`DELETE FROM rooms WHERE agent_id = ?`, own},
		statement{`DELETE FROM worlds WHERE agent_id = ?`, own})
}
