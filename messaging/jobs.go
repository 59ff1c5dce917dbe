package messaging

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	sourceJob = "job_request" // of the questions of jobs

	maxJobs        = 10_000
	jobRetention   = time.Hour // after its end
	maxJobContent  = 50_000
	maxJobMetadata = 10_000
	jobCandidates  = 10 // agents that are tried when none is named
)

// How a job stands.
const (
	JobPending    = "pending"
	JobProcessing = "processing"
	JobCompleted  = "completed"
	JobFailed     = "failed"
	JobTimeout    = "timeout"
)

// Job is one question to one agent in a channel of its own, whose answer is asked for later. How it stands
// is told by its question's deliveries, so it goes on wherever these do.
type Job struct {
	ID, ChannelID, MessageID core.UUID // MessageID is the question
	AgentID, UserID          core.UUID
	Prompt                   string // "" once the question is deleted
	Metadata                 map[string]any
	CreatedAt, ExpiresAt     core.Millis
	Status                   string
	EndedAt                  core.Millis // of a job that is completed or failed, 0 when unknown
	State                    string      // how the delivery of one that is failed ended, "" when there was none
	Reply                    *Message    // the last text of one that is completed; nil when the agent said nothing
}

// failure is what a client may know of why there is no answer.
func (j *Job) failure() string {
	switch {
	case j.Status == JobTimeout:
		return "The job was not completed in time"
	case j.Status != JobFailed:
		return ""
	}
	switch j.State {
	case StateTimeout, StateExpired:
		return "The agent took too long to answer"
	case StateSkipped, StateCancelled:
		return "The agent was stopped before it answered"
	case "":
		return "Nobody was there to answer, or the question was deleted"
	}
	return "The agent could not answer"
}

// NewJob is a job to be made.
type NewJob struct {
	AgentID  core.UUID // "" = the first agent that runs
	UserID   core.UUID
	Content  string
	Metadata map[string]any
	Timeout  time.Duration // 1 s to 5 minutes, 30 s when 0
}

// JobCount is how many jobs stand in one way, and how long they took, if they have ended.
type JobCount struct {
	Status   string
	Count    int
	Duration time.Duration // of all together
}

// JobService is the part of [Service] for jobs.
type JobService interface {
	// CreateJob asks the question. ErrAgentNotFound when the agent does not run, or none does.
	CreateJob(ctx context.Context, n NewJob) (*Job, error)
	// Job is ErrJobNotFound when there is none, or it ended long ago.
	Job(ctx context.Context, id core.UUID) (*Job, error)
	// Jobs lists jobs with a status, or all with "", newest first, and counts these and all.
	Jobs(ctx context.Context, status string, limit int) (page []Job, matching, total int, err error)
	// JobCounts counts the jobs of every status there is.
	JobCounts(ctx context.Context) ([]JobCount, error)
}

// JobStore is the part of [Store] for jobs. A job's status depends on the time it is read at.
type JobStore interface {
	// CreateJob stores a job and its channel and calls ask, perhaps more than once, in the same transaction with
	// a context that carries it. Of more than most jobs those that expire first are removed.
	CreateJob(ctx context.Context, j Job, c NewChannel, most int, ask func(ctx context.Context) error) error
	// ActiveAgents lists agents that are to run, in the order they were started.
	ActiveAgents(ctx context.Context, limit int) ([]core.UUID, error)
	Job(ctx context.Context, id core.UUID, now core.Millis) (*Job, error)
	// Jobs lists jobs with a status, or all with "", newest first, and counts these and all.
	Jobs(ctx context.Context, status string, now core.Millis, limit int) (page []Job, matching, total int, err error)
	JobCounts(ctx context.Context, now core.Millis) ([]JobCount, error)
	// SweepJobs removes what has expired by a time.
	SweepJobs(ctx context.Context, before core.Millis) error
}

// ErrJobNotFound says that there is no such job.
var ErrJobNotFound = &core.Error{Code: core.CodeNotFound, Message: "Job not found"}

// CreateJob implements [Service].
func (m *Manager) CreateJob(ctx context.Context, n NewJob) (*Job, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	if n.Timeout == 0 {
		n.Timeout = 30 * time.Second
	}
	switch length := utf8.RuneCountInString(n.Content); {
	case length == 0:
		return nil, core.BadRequest("Missing required field: content")
	case length > maxJobContent:
		return nil, core.BadRequest("content is longer than 50000 characters")
	case n.Timeout < time.Second || n.Timeout > 5*time.Minute:
		return nil, core.BadRequest("timeoutMs must be between 1000 and 300000")
	}
	if err := httpapi.Sized("metadata", n.Metadata, maxJobMetadata); err != nil {
		return nil, err
	}
	agent, err := m.jobAgent(ctx, n.AgentID)
	if err != nil {
		return nil, err
	}
	now := m.now()
	j := Job{
		ID: core.NewUUID(), ChannelID: core.NewUUID(), MessageID: core.NewUUID(), AgentID: agent, UserID: n.UserID, Prompt: n.Content,
		Metadata: n.Metadata, CreatedAt: now, ExpiresAt: now + core.Millis(n.Timeout.Milliseconds()), Status: JobProcessing,
	}
	err = m.store.CreateJob(ctx, j, NewChannel{
		ID: j.ChannelID, ServerID: core.DefaultServerID, Name: "job-" + string(j.ID), Type: TypeDM, SourceType: "job",
		Metadata: j.marked(nil), Participants: []core.UUID{j.UserID, j.AgentID},
	}, maxJobs, func(ctx context.Context) error {
		_, err := m.accept(ctx, NewMessage{
			ID: j.MessageID, ChannelID: j.ChannelID, AuthorID: j.UserID, Content: j.Prompt, SourceType: sourceJob, Metadata: j.marked(j.Metadata),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &j, nil
}

// marked is metadata that names the job.
func (j *Job) marked(given map[string]any) map[string]any {
	meta := map[string]any{"isDm": true, "channelType": TypeDM}
	for k, v := range given {
		meta[k] = v
	}
	meta["jobId"], meta["agentId"], meta["userId"] = j.ID, j.AgentID, j.UserID
	return meta
}

// jobAgent is the agent to ask: the one that is named, else the first that runs. An agent that should run but
// cannot be built is passed over.
func (m *Manager) jobAgent(ctx context.Context, named core.UUID) (core.UUID, error) {
	if named != "" {
		_, err := m.runningAgent(ctx, named)
		return named, err
	}
	agents, err := m.running()
	if err != nil {
		return "", err
	}
	active, err := m.store.ActiveAgents(ctx, jobCandidates)
	if err != nil {
		return "", err
	}
	for _, id := range active {
		if _, err := agents.Runtime(ctx, id); err == nil {
			return id, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	return "", ErrAgentNotFound.With("No agent is running")
}

// Job implements [Service].
func (m *Manager) Job(ctx context.Context, id core.UUID) (*Job, error) {
	return m.store.Job(ctx, id, m.now())
}

// Jobs implements [Service].
func (m *Manager) Jobs(ctx context.Context, status string, limit int) (page []Job, matching, total int, err error) {
	return m.store.Jobs(ctx, status, m.now(), limit)
}

// JobCounts implements [Service].
func (m *Manager) JobCounts(ctx context.Context) ([]JobCount, error) {
	return m.store.JobCounts(ctx, m.now())
}
