package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// job asks an agent and returns the path of the job.
func (w *web) job(agent core.UUID, more string) string {
	w.t.Helper()
	a := w.ok(201, "POST", "/jobs", fmt.Sprintf(`{"agentId":"%s","userId":"%s","content":"why?"%s}`, agent, user, more))
	if diff := cmp.Diff(set("jobId status createdAt expiresAt"), keys(a.body)); diff != "" {
		w.t.Errorf("fields (-want +got):\n%s", diff)
	}
	a.has(map[string]any{"status": "processing"})
	return "/jobs/" + a.str("jobId")
}

// ended waits for a job.
func (w *web) ended(path string) *answered {
	w.t.Helper()
	var a *answered
	w.until("the job", func() bool {
		a = w.ok(200, "GET", path, "")
		return a.at("status") != "processing"
	})
	return a
}

func TestJobs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		turn   brainFunc
		status string
		result any // text
		err    string
	}{
		{"answered", echo, "completed", "re: why?", ""},
		{"answered in parts", func(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
			_, err := out.Send(ctx, text("first"))
			if err == nil {
				err = out.Progress(ctx, core.NewUUID(), *text("Executing action: X"))
			}
			return core.Outcome{Reply: text("last")}, err
		}, "completed", "last", ""},
		{"ignored", func(context.Context, *core.Turn, core.Out) (core.Outcome, error) { return core.Outcome{}, nil }, "completed", "", ""},
		{"failed", func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
			return core.Outcome{}, errors.New("secret")
		}, "failed", nil, "The agent could not answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t, messaging.Options{})
			id := w.hire(test.turn)
			path := w.job(id, `,"metadata":{"k":"v"}`)
			check := func(a *answered) {
				t.Helper()
				a.has(map[string]any{
					"status": test.status, "agentId": string(id), "userId": string(user), "prompt": "why?", "metadata.k": "v", "result.message.content": test.result,
				})
				if e, _ := a.at("error").(string); e != test.err {
					t.Errorf("error = %q, want %q", e, test.err)
				}
				if keys(a.body)["success"] {
					t.Errorf("a job has no success: %s", a.text)
				}
				if test.result != nil {
					a.has(map[string]any{"result.message.authorId": string(id)})
					if _, err := core.ParseUUID(a.str("result.message.id")); err != nil {
						t.Errorf("result = %s", a.text)
					}
					if took, ok := a.at("result.processingTimeMs").(float64); !ok || took < 0 || a.at("result.message.createdAt") == nil {
						t.Errorf("result = %s", a.text)
					}
				}
			}
			check(w.ended(path))
			w.restart()
			check(w.ok(200, "GET", path, ""))
			w.clock.advance(40 * time.Second) // it has ended, it cannot expire
			check(w.ok(200, "GET", path, ""))
			w.ok(200, "GET", "/jobs/health", "").has(map[string]any{"statusCounts." + test.status: 1.0, "totalJobs": 1.0, "maxJobs": 10000.0})
		})
	}
}

func TestJobChannel(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(echo)
	j, err := w.CreateJob(t.Context(), messaging.NewJob{UserID: user, Content: "why?", Metadata: map[string]any{"k": "v", "jobId": "mine"}}) // of whom ever runs
	if err != nil || j.AgentID != id {
		t.Fatalf("CreateJob() = %+v, %v", j, err)
	}
	ch, err := w.Channel(t.Context(), j.ChannelID)
	if err != nil || ch.Name != "job-"+string(j.ID) || ch.Type != messaging.TypeDM {
		t.Errorf("channel = %+v, %v", ch, err)
	}
	q, err := w.Message(t.Context(), j.MessageID)
	if err != nil || q.SourceType != "job_request" || q.AuthorID != user || q.Metadata["k"] != "v" || q.Metadata["jobId"] != string(j.ID) {
		t.Errorf("question = %+v, %v", q, err)
	}
}

func TestJobTimesOut(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	free := make(chan struct{})
	id := w.hire(func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
		<-free
		return core.Outcome{Reply: text("late")}, nil
	})
	path := w.job(id, `,"timeoutMs":1000`)
	w.ok(200, "GET", path, "").has(map[string]any{"status": "processing", "result": nil, "error": nil})
	w.clock.advance(time.Second)
	w.ok(200, "GET", path, "").has(map[string]any{"status": "timeout", "result": nil, "error": "The job was not completed in time"})
	w.ok(200, "GET", "/jobs/health", "").has(map[string]any{
		"healthy": true, "statusCounts.timeout": 1.0, "statusCounts.pending": 0.0, "metrics.timeoutRate": 1.0, "metrics.successRate": 0.0, "metrics.averageProcessingTimeMs": 0.0,
	})
	close(free)
}

// A job whose process ends is completed by the next one.
func TestJobGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	begun := make(chan struct{})
	id := w.hire(func(ctx context.Context, _ *core.Turn, _ core.Out) (core.Outcome, error) {
		close(begun)
		<-ctx.Done()
		return core.Outcome{}, ctx.Err()
	})
	path := w.job(id, `,"timeoutMs":300000`)
	receive(t, "the turn", begun)
	w.close(expired())
	w.script(id, echo)
	w.open()
	w.ok(200, "GET", path, "").has(map[string]any{"status": "processing"})
	w.start()
	w.ended(path).has(map[string]any{"status": "completed", "result.message.content": "re: why?"})
}

func TestJobOfAStoppedAgentOrADeletedQuestion(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(func(ctx context.Context, _ *core.Turn, _ core.Out) (core.Outcome, error) {
		<-ctx.Done()
		return core.Outcome{}, ctx.Err()
	})
	j, err := w.CreateJob(t.Context(), messaging.NewJob{AgentID: id, UserID: user, Content: "why?"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteMessage(t.Context(), j.ChannelID, j.MessageID); err != nil {
		t.Fatal(err)
	}
	a := w.ended("/jobs/" + string(j.ID))
	a.has(map[string]any{"status": "failed", "prompt": ""})
	path := w.job(id, "")
	if err := w.StopAgent(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	w.ended(path).has(map[string]any{"status": "failed", "error": "The agent was stopped before it answered"})
}

func TestJobList(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id, deaf := w.hire(echo), w.hire(func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
		return core.Outcome{}, errors.New("no")
	})
	w.ended(w.job(id, ""))
	w.clock.advance(time.Second)
	w.ended(w.job(deaf, ""))
	w.clock.advance(time.Second)
	w.ended(w.job(id, ""))
	for _, test := range []struct {
		query                  string
		statuses               []any
		total, matching, count float64
	}{
		{"", []any{"completed", "failed", "completed"}, 3, 3, 3},
		{"?limit=1", []any{"completed"}, 3, 3, 1},
		{"?status=failed", []any{"failed"}, 3, 1, 1},
		{"?status=completed&limit=1", []any{"completed"}, 3, 2, 1},
		{"?status=timeout", nil, 3, 0, 0},
	} {
		a := w.ok(200, "GET", "/jobs"+test.query, "")
		a.has(map[string]any{"total": test.total, "filtered": test.matching})
		var got []any
		for _, j := range a.list("jobs") {
			got = append(got, j.(map[string]any)["status"])
		}
		if diff := cmp.Diff(test.statuses, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, diff)
		}
	}
	w.ok(200, "GET", "/jobs/health", "").has(map[string]any{
		"statusCounts.completed": 2.0, "statusCounts.failed": 1.0, "metrics.successRate": 0.67, "metrics.failureRate": 0.33, "metrics.timeoutRate": 0.0,
	})
}

func TestJobRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	of := func(more string) string { return fmt.Sprintf(`{"userId":"%s"%s}`, user, more) }
	w.do("POST", "/jobs", of(`,"content":"x"`)).wrong(404, core.CodeAgentNotFound) // nobody runs
	id := w.hire(echo)
	for _, test := range []struct {
		body   string
		status int
		code   core.Code
	}{
		{`{"content":"x"}`, 400, core.CodeBadRequest},
		{of(``), 400, core.CodeBadRequest},
		{of(`,"content":" "`), 400, core.CodeBadRequest},
		{of(`,"content":"` + strings.Repeat("x", 50_001) + `"`), 400, core.CodeBadRequest},
		{of(`,"content":"x","agentId":"me"`), 400, core.CodeInvalidID},
		{`{"content":"x","userId":"me"}`, 400, core.CodeInvalidID},
		{of(`,"content":"x","timeoutMs":0`), 400, core.CodeBadRequest},
		{of(`,"content":"x","timeoutMs":999`), 400, core.CodeBadRequest},
		{of(`,"content":"x","timeoutMs":300001`), 400, core.CodeBadRequest},
		{of(`,"content":"x","timeoutMs":"30000"`), 400, core.CodeBadRequest},
		{of(`,"content":"x","metadata":{"k":"` + strings.Repeat("x", 10_000) + `"}`), 400, core.CodeBadRequest},
		{of(`,"content":"x","agentId":"` + string(core.NewUUID()) + `"`), 404, core.CodeAgentNotFound},
	} {
		w.do("POST", "/jobs", test.body).wrong(test.status, test.code)
	}
	w.do("GET", "/jobs/any", "").wrong(404, core.CodeNotFound)
	w.do("GET", "/jobs/"+string(core.NewUUID()), "").wrong(404, core.CodeNotFound)
	if total := w.ok(200, "GET", "/jobs", "").at("total"); total != 0.0 {
		t.Errorf("%v jobs were stored of those that were refused", total)
	}
	w.ended(w.job(id, `,"timeoutMs":300000`))
}
