// Package loop is the default brain of an agent: it turns one message into an answer. [New] returns the
// factory that package agents builds its running agents with.
//
// A turn gathers what the agent knows (providers), asks its text model once, reads the answer tolerantly,
// streams the text while it comes and runs the actions the model chose. All that is remembered of a turn is
// written by [core.Outcome.Commit], together with the reply. Code of plugins and models is called with a
// time limit and recovered: what fails or hangs there costs at most the turn it happened in.
package loop
