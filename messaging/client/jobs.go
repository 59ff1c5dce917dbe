package client

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Jobs are the calls for questions whose answer is fetched later.
type Jobs struct{ c *Client }

// NewJob is a question.
type NewJob struct {
	Content  string
	AgentID  core.UUID     // the first one that runs when empty
	UserID   core.UUID     // the client's entity when empty
	Timeout  time.Duration // from 1 s to 5 min; 30 s when 0
	Metadata map[string]any
}

// Job is a question and what became of it.
type Job struct {
	ID        core.UUID      `json:"jobId"`
	Status    string         `json:"status"` // pending, processing, completed, failed or timeout
	AgentID   core.UUID      `json:"agentId"`
	UserID    core.UUID      `json:"userId"`
	Prompt    string         `json:"prompt"`
	CreatedAt core.Millis    `json:"createdAt"`
	ExpiresAt core.Millis    `json:"expiresAt"`
	Result    *JobResult     `json:"result"` // of a job that is completed
	Error     string         `json:"error"`  // why there is no answer
	Metadata  map[string]any `json:"metadata"`
}

// JobResult is the answer of a job.
type JobResult struct {
	Message struct {
		ID        core.UUID      `json:"id"`
		Content   string         `json:"content"` // empty when the agent said nothing
		AuthorID  core.UUID      `json:"authorId"`
		CreatedAt core.Millis    `json:"createdAt"`
		Metadata  map[string]any `json:"metadata"`
	} `json:"message"`
	ProcessingTimeMs int64 `json:"processingTimeMs"`
}

// JobPage is a part of the jobs, newest first.
type JobPage struct {
	Jobs     []Job `json:"jobs"`
	Total    int   `json:"total"`
	Filtered int   `json:"filtered"` // that stand as asked for
}

// JobsHealth counts jobs. Rates are of those that have ended.
type JobsHealth struct {
	Healthy   bool           `json:"healthy"`
	Timestamp core.Millis    `json:"timestamp"`
	Total     int            `json:"totalJobs"`
	Counts    map[string]int `json:"statusCounts"`
	Metrics   struct {
		AverageProcessingTimeMs int64   `json:"averageProcessingTimeMs"`
		SuccessRate             float64 `json:"successRate"`
		FailureRate             float64 `json:"failureRate"`
		TimeoutRate             float64 `json:"timeoutRate"`
	} `json:"metrics"`
	Max int `json:"maxJobs"`
}

// Create asks a question. The job it returns has no more than id, status and times.
func (j *Jobs) Create(ctx context.Context, n NewJob) (*Job, error) {
	if n.UserID == "" {
		n.UserID = j.c.entity
	}
	return whole[Job](ctx, j.c, post(struct {
		AgentID  core.UUID      `json:"agentId,omitempty"`
		UserID   core.UUID      `json:"userId"`
		Content  string         `json:"content"`
		Timeout  int64          `json:"timeoutMs,omitempty"`
		Metadata map[string]any `json:"metadata,omitempty"`
	}{n.AgentID, n.UserID, n.Content, n.Timeout.Milliseconds(), n.Metadata}, "api", "messaging", "jobs"))
}

// Get returns a job, for an hour after its end.
func (j *Jobs) Get(ctx context.Context, id core.UUID) (*Job, error) {
	return whole[Job](ctx, j.c, get("api", "messaging", "jobs", string(id)))
}

// List returns jobs, limit of them at most, or 50: those that stand so, or with an empty status all.
func (j *Jobs) List(ctx context.Context, status string, limit int) (*JobPage, error) {
	q := params{}.text("status", status).count("limit", limit)
	return whole[JobPage](ctx, j.c, get("api", "messaging", "jobs").with(q.values()))
}

// Health counts jobs.
func (j *Jobs) Health(ctx context.Context) (*JobsHealth, error) {
	return whole[JobsHealth](ctx, j.c, get("api", "messaging", "jobs", "health"))
}
