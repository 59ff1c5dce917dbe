// Package loop is the default brain of an agent: it turns one message into an answer. [New] returns the
// factory that package agents builds its running agents with.
//
// A turn gathers what the agent knows (providers), asks its text model once, reads the answer tolerantly,
// streams the text while it comes and runs the actions the model chose. All that is remembered of a turn is
// written by [core.Outcome.Commit], together with the reply. Code of plugins and models is called with a
// time limit and recovered: what fails or hangs there costs at most the turn it happened in.
//
// # Steps
//
// With the setting USE_MULTI_STEP the model is asked again and again what to do next, at most
// MAX_MULTISTEP_ITERATIONS (6) times: each step takes one action, with parameters in the state under
// actionParams, or asks providers, which have PROVIDERS_TOTAL_TIMEOUT_MS (1000) in all. An answer that is no
// plan is asked for again, MULTISTEP_PARSE_RETRIES (5) calls in all with pauses of 1, 2, 4 and 8 seconds. In
// the end one more call writes the answer, and only that is streamed. Clients see the steps as progress.
package loop
