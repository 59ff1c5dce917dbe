package storage

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// jobFacts is what is known of jobs: their question is q, and of its deliveries the one that counts is that
// of an agent that answered, else that of one that failed.
const jobFacts = `SELECT j.id, j.channel_id, j.message_id, j.agent_id, j.user_id, j.created_at, j.expires_at, j.metadata,
	coalesce(q.content, '') AS prompt, q.id IS NOT NULL AS asked, q.complete_seq IS NOT NULL AS complete,
	coalesce((SELECT max(d.ended_at) FROM deliveries d WHERE d.message_id = j.message_id), q.created_at, 0) AS ended,
	coalesce((SELECT substr(min(CASE d.state WHEN 'done' THEN '0' WHEN 'failed' THEN '1' WHEN 'timeout' THEN '1' WHEN 'expired' THEN '1'
		WHEN 'ignored' THEN '2' ELSE '3' END || d.state), 2) FROM deliveries d WHERE d.message_id = j.message_id), '') AS state
	FROM jobs j LEFT JOIN central_messages q ON q.id = j.message_id`

// jobStatus tells from the facts how a job stands; its argument is the time. What ends after the job has
// expired does not count.
const jobStatus = `CASE
	WHEN NOT asked THEN 'failed'
	WHEN complete AND ended <= expires_at THEN CASE WHEN state IN ('done', 'ignored') THEN 'completed' ELSE 'failed' END
	WHEN expires_at <= ? THEN 'timeout'
	ELSE 'processing' END`

const selectJobs = `SELECT id, channel_id, message_id, agent_id, user_id, created_at, expires_at, metadata, prompt, ended, state, status
	FROM (SELECT facts.*, ` + jobStatus + ` AS status FROM (` + jobFacts + `) AS facts) AS jobs `

// jobs runs a query that selectJobs begins and rest ends, and adds the replies.
func jobs(tx *gorm.DB, now core.Millis, rest string, args ...any) ([]messaging.Job, error) {
	out, err := scanJobs(tx, now, rest, args...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Status != messaging.JobCompleted {
			continue
		}
		found, err := messages(tx, `WHERE m.channel_id = ? AND m.in_reply_to = ? AND m.by_agent AND m.source_type <> ? AND m.content <> ''
			ORDER BY m.seq DESC LIMIT 1`, out[i].ChannelID, out[i].MessageID, messaging.SourceAction)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			out[i].Reply = &found[0]
		}
	}
	return out, nil
}

func scanJobs(tx *gorm.DB, now core.Millis, rest string, args ...any) ([]messaging.Job, error) {
	rows, err := tx.Raw(selectJobs+rest, append([]any{now}, args...)...).Rows()
	if err != nil {
		return nil, wrap("read jobs", err)
	}
	defer rows.Close()
	var out []messaging.Job
	for rows.Next() {
		var j messaging.Job
		if err := rows.Scan(&j.ID, &j.ChannelID, &j.MessageID, &j.AgentID, &j.UserID, &j.CreatedAt, &j.ExpiresAt, (*jsonMap)(&j.Metadata),
			&j.Prompt, &j.EndedAt, &j.State, &j.Status); err != nil {
			return nil, wrap("read job", err)
		}
		if j.Status != messaging.JobCompleted && j.Status != messaging.JobFailed {
			j.EndedAt = 0
		}
		if j.Status != messaging.JobFailed {
			j.State = ""
		}
		out = append(out, j)
	}
	return out, wrap("read jobs", rows.Err())
}

func (s messagingStore) CreateJob(ctx context.Context, j messaging.Job, c messaging.NewChannel, most int, ask func(context.Context) error) error {
	return s.db.join(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if _, err := insertChannel(tx, c); err != nil {
			return err
		}
		err := tx.Exec(`INSERT INTO jobs (id, channel_id, message_id, agent_id, user_id, created_at, expires_at, metadata) VALUES (?,?,?,?,?,?,?,?)`,
			j.ID, j.ChannelID, j.MessageID, j.AgentID, j.UserID, j.CreatedAt, j.ExpiresAt, jsonMap(j.Metadata)).Error
		if err == nil {
			err = tx.Exec(`DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY expires_at LIMIT max(0, (SELECT count(*) FROM jobs) - ?))`, most).Error
		}
		if err != nil {
			return wrap("store job", err)
		}
		return ask(ctx)
	}, false)
}

func (s messagingStore) ActiveAgents(ctx context.Context, limit int) ([]core.UUID, error) {
	return agentStore(s).Active(ctx, limit)
}

func (s messagingStore) Job(ctx context.Context, id core.UUID, now core.Millis) (*messaging.Job, error) {
	found, err := jobs(s.db.read(ctx), now, `WHERE id = ?`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, messaging.ErrJobNotFound
	}
	return &found[0], nil
}

func (s messagingStore) Jobs(ctx context.Context, status string, now core.Millis, limit int) (page []messaging.Job, matching, total int, err error) {
	tx := s.db.read(ctx)
	if err := tx.Raw(`SELECT count(*) FROM jobs`).Row().Scan(&total); err != nil {
		return nil, 0, 0, wrap("count jobs", err)
	}
	if status == "" {
		page, err = jobs(tx, now, `ORDER BY created_at DESC, id LIMIT ?`, limit)
		return page, total, total, err
	}
	if err := tx.Raw(`SELECT count(*) FROM (`+selectJobs+`WHERE status = ?) AS matching`, now, status).Row().Scan(&matching); err != nil {
		return nil, 0, 0, wrap("count jobs", err)
	}
	page, err = jobs(tx, now, `WHERE status = ? ORDER BY created_at DESC, id LIMIT ?`, status, limit)
	return page, matching, total, err
}

func (s messagingStore) JobCounts(ctx context.Context, now core.Millis) ([]messaging.JobCount, error) {
	rows, err := s.db.read(ctx).Raw(`SELECT status, count(*), sum(CASE WHEN ended > created_at THEN ended - created_at ELSE 0 END)
		FROM (SELECT facts.*, `+jobStatus+` AS status FROM (`+jobFacts+`) AS facts) AS jobs GROUP BY status`, now).Rows()
	if err != nil {
		return nil, wrap("count jobs", err)
	}
	defer rows.Close()
	var out []messaging.JobCount
	for rows.Next() {
		var c messaging.JobCount
		var ms int64
		if err := rows.Scan(&c.Status, &c.Count, &ms); err != nil {
			return nil, wrap("count jobs", err)
		}
		c.Duration = time.Duration(ms) * time.Millisecond
		out = append(out, c)
	}
	return out, wrap("count jobs", rows.Err())
}

func (s messagingStore) SweepJobs(ctx context.Context, before core.Millis) error {
	return s.sweep(ctx, `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE expires_at <= ? LIMIT ?)`, before)
}
