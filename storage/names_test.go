package storage

import (
	"testing"
)

func testRenamer(t testing.TB) *renamer {
	t.Helper()
	r, err := newRenamer("x_")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStatementsAreRenamed(t *testing.T) {
	t.Parallel()
	r := testRenamer(t)
	for statement, want := range map[string]string{
		`SELECT * FROM agents`:               `SELECT * FROM x_agents`,
		`agents`:                             `x_agents`,
		`SELECT a.agents FROM agents a`:      `SELECT a.agents FROM x_agents a`,
		"SELECT `agents`.`id` FROM `agents`": "SELECT `x_agents`.`id` FROM `x_agents`",

		"SELECT `a`.`agents`, \"rooms\" FROM `agents` AS `a`":       "SELECT `a`.`agents`, \"x_rooms\" FROM `x_agents` AS `a`",
		`SELECT 'agents', 'it''s agents' FROM rooms`:                `SELECT 'agents', 'it''s agents' FROM x_rooms`,
		`rooms.agent_id = worlds.agent_id AND rooms.worlds = 1`:     `x_rooms.agent_id = x_worlds.agent_id AND x_rooms.worlds = 1`,
		"-- agents' list\nSELECT 1 /* FROM agents */ FROM agents":   "-- agents' list\nSELECT 1 /* FROM agents */ FROM x_agents",
		`SELECT my_agents, agents2, agentsé, éagents FROM sessions`: `SELECT my_agents, agents2, agentsé, éagents FROM x_sessions`,
		`(agents)`:           `(x_agents)`,
		`SELECT 'agents`:     `SELECT 'agents`,
		"`agents":            "`agents",
		"``":                 "``",
		``:                   ``,
		`/* agents`:          `/* agents`,
		`-- agents`:          `-- agents`,
		`a-agents/rooms`:     `a-x_agents/x_rooms`,
		`SELECT 1 FROM dual`: `SELECT 1 FROM dual`,
	} {
		if got := r.statement(statement); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", statement, got, want)
		}
	}
}

func BenchmarkRenamer(b *testing.B) {
	r := testRenamer(b)
	b.ReportAllocs()
	for b.Loop() {
		r.statement(selectMessages + `WHERE m.channel_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?`)
	}
}
