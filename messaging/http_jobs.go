package messaging

import (
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

type jobRequest struct {
	AgentID   httpapi.ID     `json:"agentId"`
	UserID    httpapi.ID     `json:"userId" validate:"required"`
	Content   string         `json:"content" validate:"required"`
	TimeoutMS *int64         `json:"timeoutMs" validate:"omitempty,min=1000,max=300000"`
	Metadata  map[string]any `json:"metadata"`
}

// jobView is a job as the API returns it ("JobInfo" of the contract).
type jobView struct {
	ID        core.UUID      `json:"jobId"`
	Status    string         `json:"status"`
	AgentID   core.UUID      `json:"agentId"`
	UserID    core.UUID      `json:"userId"`
	Prompt    string         `json:"prompt"`
	CreatedAt core.Millis    `json:"createdAt"`
	ExpiresAt core.Millis    `json:"expiresAt"`
	Result    *jobResult     `json:"result,omitempty"`
	Error     string         `json:"error,omitempty"`
	Metadata  map[string]any `json:"metadata"`
}

type jobResult struct {
	Message jobMessage  `json:"message"`
	Took    core.Millis `json:"processingTimeMs"`
}

type jobMessage struct {
	ID        core.UUID      `json:"id"`
	Content   string         `json:"content"`
	AuthorID  core.UUID      `json:"authorId"`
	CreatedAt core.Millis    `json:"createdAt"`
	Metadata  map[string]any `json:"metadata,omitempty"`
}

func viewJob(j *Job) jobView {
	v := jobView{
		ID: j.ID, Status: j.Status, AgentID: j.AgentID, UserID: j.UserID, Prompt: j.Prompt, CreatedAt: j.CreatedAt,
		ExpiresAt: j.ExpiresAt, Error: j.failure(), Metadata: j.Metadata,
	}
	if v.Metadata == nil {
		v.Metadata = map[string]any{}
	}
	if j.Status == JobCompleted {
		// An agent that said nothing has completed the job too: the empty answer has the job's own id.
		v.Result = &jobResult{jobMessage{ID: j.ID, AuthorID: j.AgentID, CreatedAt: j.EndedAt}, max(0, j.EndedAt-j.CreatedAt)}
		if r := j.Reply; r != nil {
			v.Result.Message = jobMessage{r.ID, r.Content, r.AuthorID, r.CreatedAt, r.Metadata}
		}
	}
	return v
}

func (h *Handler) createJob(c echo.Context) error {
	var req jobRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	n := NewJob{AgentID: core.UUID(req.AgentID), UserID: core.UUID(req.UserID), Content: req.Content, Metadata: req.Metadata}
	if req.TimeoutMS != nil {
		n.Timeout = time.Duration(*req.TimeoutMS) * time.Millisecond
	}
	j, err := h.svc.CreateJob(c.Request().Context(), n)
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusCreated, map[string]any{
		"jobId": j.ID, "status": j.Status, "createdAt": j.CreatedAt, "expiresAt": j.ExpiresAt,
	})
}

func (h *Handler) jobs(c echo.Context) error {
	page, matching, total, err := h.svc.Jobs(c.Request().Context(), c.QueryParam("status"), httpapi.Limit(c, 50, 100))
	if err != nil {
		return err
	}
	views := make([]jobView, len(page))
	for i := range page {
		views[i] = viewJob(&page[i])
	}
	return httpapi.JSON(c, http.StatusOK, map[string]any{"jobs": views, "total": total, "filtered": matching})
}

func (h *Handler) job(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "jobId")
	if core.CodeOf(err) == core.CodeInvalidID {
		err = ErrJobNotFound
	}
	if err != nil {
		return err
	}
	j, err := h.svc.Job(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusOK, viewJob(j))
}

type jobsHealth struct {
	Healthy   bool           `json:"healthy"`
	Timestamp core.Millis    `json:"timestamp"`
	Total     int            `json:"totalJobs"`
	Counts    map[string]int `json:"statusCounts"`
	Metrics   jobMetrics     `json:"metrics"`
	Max       int            `json:"maxJobs"`
}

// jobMetrics are over the jobs that have ended.
type jobMetrics struct {
	Average int64   `json:"averageProcessingTimeMs"` // of those that are completed
	Success float64 `json:"successRate"`
	Failure float64 `json:"failureRate"`
	Timeout float64 `json:"timeoutRate"`
}

func (h *Handler) jobsHealth(c echo.Context) error {
	counts, err := h.svc.JobCounts(c.Request().Context())
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusOK, healthOf(counts, h.now()))
}

func healthOf(counts []JobCount, now core.Millis) jobsHealth {
	v := jobsHealth{Healthy: true, Timestamp: now, Max: maxJobs, Counts: map[string]int{
		JobPending: 0, JobProcessing: 0, JobCompleted: 0, JobFailed: 0, JobTimeout: 0,
	}}
	for _, c := range counts {
		v.Total += c.Count
		v.Counts[c.Status] = c.Count
		if c.Status == JobCompleted {
			v.Metrics.Average = c.Duration.Milliseconds() / int64(max(1, c.Count))
		}
	}
	ended := float64(max(1, v.Total-v.Counts[JobPending]-v.Counts[JobProcessing]))
	rate := func(status string) float64 { return math.Round(float64(v.Counts[status])/ended*100) / 100 }
	v.Metrics.Success, v.Metrics.Failure, v.Metrics.Timeout = rate(JobCompleted), rate(JobFailed), rate(JobTimeout)
	return v
}
