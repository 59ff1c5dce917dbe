package storage

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// sweepPortion is how many rows one transaction of a large deletion removes.
const sweepPortion = 1000

// logRow is a row of agent_logs.
type logRow struct {
	ID          core.UUID `gorm:"primaryKey"`
	AgentID     core.UUID `gorm:"primaryKey"`
	EntityID    core.UUID
	RoomID      core.UUID
	Type        string
	ModelType   string
	RunID       *string
	ParentRunID *string
	RunStatus   string
	CreatedAt   core.Millis `gorm:"autoCreateTime:false"`
	Body        jsonColumn[map[string]any]
}

// TableName names the table for GORM.
func (logRow) TableName() string { return "agent_logs" }

func toLogRow(l core.Log) logRow {
	if l.Body == nil {
		l.Body = map[string]any{}
	}
	r := logRow{
		ID: l.ID, AgentID: l.AgentID, EntityID: l.EntityID, RoomID: l.RoomID, Type: l.Type, RunID: textKey(l.Body, "runId"),
		ParentRunID: textKey(l.Body, "parentRunId"), CreatedAt: core.Millis(l.CreatedAt), Body: jsonColumn[map[string]any]{l.Body},
	}
	if l.Type == memory.LogRun {
		r.RunStatus = memory.RunStatus(l.Body)
	}
	if model := textKey(l.Body, "modelType"); model != nil {
		r.ModelType = *model
	}
	return r
}

const logColumns = `id, agent_id, entity_id, room_id, type, model_type, run_id, parent_run_id, run_status, created_at, body`

// values are those of logColumns.
func (r logRow) values() []any {
	return []any{r.ID, r.AgentID, r.EntityID, r.RoomID, r.Type, r.ModelType, r.RunID, r.ParentRunID, r.RunStatus, r.CreatedAt, r.Body}
}

func (r *logRow) log() core.Log {
	return core.Log{ID: r.ID, AgentID: r.AgentID, EntityID: r.EntityID, RoomID: r.RoomID, Type: r.Type, Body: r.Body.V, CreatedAt: core.ISO(r.CreatedAt)}
}

func logsWhere(q memory.LogQuery) *conditions {
	w := where(`agent_id = ?`, q.Agent)
	if len(q.Rooms) > 0 {
		w.and(`room_id IN ?`, q.Rooms)
	}
	if q.Type != "" {
		w.and(`type = ?`, q.Type)
	}
	if len(q.Runs) > 0 { // a union, for an OR does not use both indexes
		w.and(`id IN (SELECT id FROM agent_logs WHERE agent_id = ? AND run_id IN ?
			UNION ALL SELECT id FROM agent_logs WHERE agent_id = ? AND parent_run_id IN ?)`, q.Agent, q.Runs, q.Agent, q.Runs)
	}
	if len(q.ExcludeTypes) > 0 {
		w.and(`type NOT IN ?`, q.ExcludeTypes)
		for _, t := range q.ExcludeTypes {
			w.and(`lower(model_type) NOT LIKE ? ESCAPE '\'`, "%"+likeEscape(strings.ToLower(t))+"%")
		}
	}
	if q.From > 0 {
		w.and(`created_at >= ?`, q.From)
	}
	if q.To > 0 {
		w.and(`created_at <= ?`, q.To)
	}
	return w
}

func (s memoryStore) Logs(ctx context.Context, q memory.LogQuery) ([]core.Log, error) {
	w := logsWhere(q)
	var rows []logRow
	err := s.db.read(ctx).Raw(`SELECT * FROM agent_logs`+w.sql+` ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
		append(w.args, q.Limit, q.Offset)...).Scan(&rows).Error
	out := make([]core.Log, len(rows))
	for i := range rows {
		out[i] = rows[i].log()
	}
	return out, wrap("list agent logs", err)
}

func (s memoryStore) DeleteLog(ctx context.Context, agent, id core.UUID) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("delete agent log", tx.Exec(`DELETE FROM agent_logs WHERE id = ? AND agent_id = ?`, id, agent).Error)
	})
}

func (s memoryStore) Runs(ctx context.Context, q memory.RunQuery) (ids []string, total int, err error) {
	w := where(`agent_id = ? AND run_id IS NOT NULL AND type = ?`, q.Agent, memory.LogRun)
	if len(q.Rooms) > 0 {
		w.and(`room_id IN ?`, q.Rooms)
	}
	over := where(`1 = 1`)
	if q.Status != "" {
		over.and(`status = ?`, q.Status)
	}
	if q.From > 0 {
		over.and(`started >= ?`, q.From)
	}
	if q.To > 0 {
		over.and(`started <= ?`, q.To)
	}
	var rows []struct {
		RunID string
		Total int
	}
	err = s.db.read(ctx).Raw(`SELECT run_id, count(*) OVER () AS total FROM (
			SELECT run_id, min(created_at) AS started, coalesce(max(CASE WHEN run_status <> 'started' THEN run_status END), 'started') AS status
			FROM agent_logs`+w.sql+` GROUP BY run_id) AS r`+over.sql+` ORDER BY started DESC, run_id LIMIT ?`,
		append(append(w.args, over.args...), q.Limit)...).Scan(&rows).Error
	for _, r := range rows {
		ids, total = append(ids, r.RunID), r.Total
	}
	return ids, total, wrap("list runs", err)
}

func (s memoryStore) RunCounts(ctx context.Context, agent core.UUID, runs []string) (map[string]memory.RunCounts, error) {
	var rows []struct {
		RunID  string
		Type   string
		N      int
		Failed int
	}
	err := s.db.read(ctx).Raw(`SELECT run_id, type, count(*) AS n,
			coalesce(sum(CASE WHEN type = 'action' AND CAST(body -> 'result' ->> 'success' AS TEXT) IN ('0', 'false') THEN 1 ELSE 0 END), 0) AS failed
		FROM agent_logs WHERE agent_id = ? AND run_id IN ? GROUP BY run_id, type`, agent, runs).Scan(&rows).Error
	out := make(map[string]memory.RunCounts, len(runs))
	for _, r := range rows {
		c := out[r.RunID]
		switch {
		case r.Type == "action":
			c.Actions += r.N
		case r.Type == "evaluator":
			c.Evaluators += r.N
		case strings.HasPrefix(r.Type, "useModel:"):
			c.ModelCalls += r.N
		}
		c.Errors += r.Failed
		out[r.RunID] = c
	}
	return out, wrap("count runs", err)
}

func (s memoryStore) SweepLogs(ctx context.Context, before core.Millis, keep int) error {
	agents, err := s.loggingAgents(ctx)
	if err != nil {
		return err
	}
	for _, agent := range agents {
		limit := before
		if keep > 0 {
			var surplus []core.Millis
			err := s.db.read(ctx).Raw(`SELECT created_at FROM agent_logs WHERE agent_id = ? ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`, agent, keep).Scan(&surplus).Error
			if err != nil {
				return wrap("sweep agent logs", err)
			}
			if len(surplus) > 0 {
				limit = max(limit, surplus[0]+1)
			}
		}
		if limit <= 0 {
			continue
		}
		if _, err := s.deletePortions(ctx, "agent_logs", where(`agent_id = ? AND created_at < ?`, agent, limit)); err != nil {
			return err
		}
	}
	return nil
}

// loggingAgents jumps through the index from agent to agent, instead of reading all of it.
func (s memoryStore) loggingAgents(ctx context.Context) ([]core.UUID, error) {
	var agents []core.UUID
	err := s.db.read(ctx).Raw(`WITH RECURSIVE a (id) AS (
			SELECT min(agent_id) FROM agent_logs
			UNION ALL SELECT (SELECT min(agent_id) FROM agent_logs WHERE agent_id > a.id) FROM a WHERE a.id IS NOT NULL)
		SELECT id FROM a WHERE id IS NOT NULL`).Scan(&agents).Error
	return agents, wrap("list agents with logs", err)
}

// deletePortions removes many rows of memories or agent_logs without holding the writer for long.
func (s memoryStore) deletePortions(ctx context.Context, table string, w *conditions) (int64, error) {
	query := `DELETE FROM ` + table + ` WHERE (id, agent_id) IN (SELECT id, agent_id FROM ` + table + w.sql + ` LIMIT ?)`
	args := append(w.args, sweepPortion)
	for total := int64(0); ; {
		var n int64
		err := s.db.write(ctx, func(tx *gorm.DB) error {
			res := tx.Exec(query, args...)
			n = res.RowsAffected
			return wrap("delete from "+table, res.Error)
		})
		if err != nil {
			return total, err // n may still be written
		}
		if total += n; n < sweepPortion {
			return total, nil
		}
	}
}
