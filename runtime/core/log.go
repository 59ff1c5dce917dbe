package core

// LogEntry is one line of the server's own log, as clients see it.
type LogEntry struct {
	Time      Millis
	Level     int // of the contract: trace 10, debug 20, info 30, warn 40, error 50, fatal 60
	Message   string
	AgentID   UUID
	AgentName string
	Fields    map[string]any // redacted
}

// namedLog is what every entry has, and what those about an agent have.
type namedLog struct {
	Time      Millis `json:"time"`
	Level     int    `json:"level"`
	Message   string `json:"msg"`
	AgentName string `json:"agentName,omitempty"`
	AgentID   UUID   `json:"agentId,omitempty"`
}

var logKeys = []string{"time", "level", "msg", "agentName", "agentId"}

// MarshalJSON writes one flat object: time, level, msg, the agent if the line is about one, and the fields.
func (e LogEntry) MarshalJSON() ([]byte, error) {
	return mergeJSON(namedLog{e.Time, e.Level, e.Message, e.AgentName, e.AgentID}, e.Fields, nil)
}

// UnmarshalJSON keeps what is not named in Fields.
func (e *LogEntry) UnmarshalJSON(b []byte) error {
	var n namedLog
	fields, err := splitJSON(b, &n, logKeys)
	*e = LogEntry{n.Time, n.Level, n.Message, n.AgentID, n.AgentName, fields}
	return err
}

// logLevels are the names of levels in the contract.
var logLevels = map[string]int{
	"trace": 10, "debug": 20, "success": 27, "progress": 28, "log": 29, "info": 30, "warn": 40, "error": 50, "fatal": 60,
}

// LogLevel is the number of a level's name.
func LogLevel(name string) (level int, known bool) {
	level, known = logLevels[name]
	return level, known
}
