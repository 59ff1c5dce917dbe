package storage

import (
	"context"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// Waiting is how many deliveries wait for their turn.
func (s messagingStore) Waiting(ctx context.Context) (n int, err error) {
	err = s.db.read(ctx).Raw(`SELECT count(*) FROM deliveries WHERE state IN ('pending', 'leased') AND state = 'pending'`).Scan(&n).Error
	return n, wrap("count deliveries", err)
}

func (s messagingStore) Due(ctx context.Context, perAgent, most int) ([]messaging.Lane, error) {
	var rows []deliveryRow
	err := s.db.read(ctx).Raw(`SELECT agent_id, channel_id FROM (
			SELECT d.agent_id, d.channel_id, d.created_at, row_number() OVER (PARTITION BY d.agent_id ORDER BY d.created_at, d.channel_id) AS place
			FROM deliveries d
			WHERE d.state IN ('pending', 'leased') AND d.state = 'pending' AND d.available_at <= ? AND NOT EXISTS (SELECT 1 FROM deliveries o
				WHERE o.agent_id = d.agent_id AND o.channel_id = d.channel_id AND o.state IN ('pending', 'leased') AND o.seq < d.seq)) AS due
		WHERE place <= ? ORDER BY place, created_at LIMIT ?`, core.Now(), perAgent, most).Scan(&rows).Error
	lanes := make([]messaging.Lane, len(rows))
	for i := range rows {
		lanes[i] = rows[i].lane()
	}
	return lanes, wrap("find due deliveries", err)
}
