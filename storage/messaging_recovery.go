package storage

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// interrupted is the last error of a delivery that must not or will not be tried again.
const interrupted = "interrupted"

// One transaction of Reap and of Sweep changes so many rows at most.
const (
	reapBatch  = 200
	sweepBatch = 2000
)

func (s messagingStore) Reap(ctx context.Context, ttl time.Duration, lost int) ([]messaging.Ended, error) {
	stale := nowOf(s.db.readers) - core.Millis(ttl.Milliseconds())
	find := func(tx *gorm.DB) (rows []deliveryRow, err error) {
		err = tx.Raw(`SELECT * FROM deliveries WHERE state IN ('pending', 'leased')
			AND ((state = 'leased' AND lease_until <= ?) OR (state = 'pending' AND created_at < ?))
			ORDER BY channel_id, seq LIMIT ?`, s.leaseLimit(core.Now()), stale, reapBatch).Scan(&rows).Error
		return rows, wrap("find lost deliveries", err)
	}
	if rows, err := find(s.db.read(ctx)); err != nil || len(rows) == 0 {
		return nil, err
	}
	var out []messaging.Ended
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		out = out[:0]
		rows, err := find(tx)
		if err != nil {
			return err
		}
		for i := range rows {
			ended, err := reapOne(tx, &rows[i], lost)
			if err != nil {
				return err
			}
			if ended != nil {
				out = append(out, *ended)
			}
		}
		return nil
	})
	return out, err
}

// leaseLimit is the time up to which leases are past. A database of one process does not renew leases:
// they are past only when a new process has voided them.
func (s messagingStore) leaseLimit(now core.Millis) core.Millis {
	if s.db.shared() {
		return now
	}
	return 0
}

// reapOne ends a delivery nobody works on any more, or makes it pending again.
func reapOne(tx *gorm.DB, r *deliveryRow, lost int) (*messaging.Ended, error) {
	switch {
	case r.State == messaging.StatePending:
		return endRow(tx, r, messaging.StateExpired, "nobody answered in time")
	case len(r.Replies) > 0:
		return endRow(tx, r, messaging.StateDone, interrupted)
	case r.Acting, lost > 0 && r.Crashes >= lost:
		return endRow(tx, r, messaging.StateFailed, interrupted)
	}
	pause := [...]core.Millis{0, 0, 1000, 5000}[min(r.Crashes+1, 3)]
	err := tx.Exec(`UPDATE deliveries SET state = 'pending', owner = '', crashes = crashes + 1, available_at = ?, last_error = 'lost' WHERE id = ?`,
		core.Now()+pause, r.ID).Error
	return nil, wrap("return delivery", err)
}

// endRow ends a delivery on behalf of whoever had it; the attempt that may still be under way is fenced out
// by the state.
func endRow(tx *gorm.DB, r *deliveryRow, state, reason string) (*messaging.Ended, error) {
	ended := &messaging.Ended{Delivery: r.ID, ChannelID: r.ChannelID}
	err := withChannel(tx, r.ChannelID, func(ch *channelRow) error {
		err := tx.Exec(`UPDATE deliveries SET state = ?, last_error = ?, owner = '', ended_at = ? WHERE id = ?`, state, reason, nowOf(tx), r.ID).Error
		if err != nil {
			return wrap("end delivery", err)
		}
		return closeDelivery(tx, ch, r.MessageID, ended)
	})
	return ended, err
}

func (s messagingStore) EndAgent(ctx context.Context, agent core.UUID, except []core.UUID) ([]messaging.Ended, error) {
	var out []messaging.Ended
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		out = out[:0]
		q := tx.Where("agent_id = ? AND state IN ('pending', 'leased')", agent)
		if len(except) > 0 {
			q = q.Where("id NOT IN ?", except)
		}
		var rows []deliveryRow
		if err := q.Order("channel_id, seq").Find(&rows).Error; err != nil {
			return wrap("find deliveries", err)
		}
		for i := range rows {
			ended, err := endRow(tx, &rows[i], messaging.StateCancelled, "the agent was stopped")
			if err != nil {
				return err
			}
			out = append(out, *ended)
		}
		return nil
	})
	return out, err
}

func (s messagingStore) Sweep(ctx context.Context, deliveries, events time.Duration) error {
	now := nowOf(s.db.readers)
	err := s.sweep(ctx, `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE ended_at > 0 AND ended_at < ? LIMIT ?)`,
		now-core.Millis(deliveries.Milliseconds()))
	if err != nil {
		return err
	}
	for removed := sweepBatch; removed == sweepBatch; {
		if removed, err = s.sweepEvents(ctx, now-core.Millis(events.Milliseconds())); err != nil {
			return err
		}
	}
	return nil
}

// sweepEvents deletes a portion of old events. Their channels remember up to where something is missing.
func (s messagingStore) sweepEvents(ctx context.Context, before core.Millis) (int, error) {
	var gone []eventRow
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		gone = nil
		err := tx.Raw(`DELETE FROM channel_events WHERE (channel_id, seq) IN
			(SELECT channel_id, seq FROM channel_events WHERE created_at < ? ORDER BY created_at LIMIT ?) RETURNING channel_id, seq`, before, sweepBatch).Scan(&gone).Error
		if err != nil {
			return wrap("sweep events", err)
		}
		newest := map[core.UUID]int64{}
		for _, e := range gone {
			newest[e.ChannelID] = max(newest[e.ChannelID], e.Seq)
		}
		for channel, seq := range newest {
			if err := tx.Exec(`UPDATE channels SET forgotten = ? WHERE id = ? AND forgotten < ?`, seq, channel, seq).Error; err != nil {
				return wrap("sweep events", err)
			}
		}
		return nil
	})
	return len(gone), err
}

// sweep deletes in portions, so that it never holds the writer for long.
func (s messagingStore) sweep(ctx context.Context, query string, before core.Millis) error {
	for removed := int64(sweepBatch); removed == sweepBatch; {
		err := s.db.write(ctx, func(tx *gorm.DB) error {
			res := tx.Exec(query, before, sweepBatch)
			removed = res.RowsAffected
			return wrap("sweep", res.Error)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
