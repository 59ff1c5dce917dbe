package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// levelTrace and levelFatal lie outside the levels log/slog names.
const (
	levelTrace = slog.LevelDebug - 4
	levelFatal = slog.LevelError + 4
)

// logger writes to w what LOG_LEVEL and LOG_JSON_FORMAT ask for; text from level info on otherwise.
func logger(w io.Writer, getenv func(string) string) (*slog.Logger, slog.Level, error) {
	level, ok := map[string]slog.Level{
		"trace": levelTrace, "debug": slog.LevelDebug, "": slog.LevelInfo, "info": slog.LevelInfo, "log": slog.LevelInfo,
		"progress": slog.LevelInfo, "success": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "fatal": levelFatal,
	}[strings.ToLower(getenv("LOG_LEVEL"))]
	if !ok {
		return nil, 0, fmt.Errorf("LOG_LEVEL: %q is no level", getenv("LOG_LEVEL"))
	}
	opts := &slog.HandlerOptions{Level: level}
	if getenv("LOG_TIMESTAMPS") == "false" {
		opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	if getenv("LOG_JSON_FORMAT") == "true" {
		return slog.New(slog.NewJSONHandler(w, opts)), level, nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), level, nil
}
