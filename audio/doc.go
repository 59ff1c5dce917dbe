// Package audio lets agents hear and speak: transcription, speech, and conversations by voice. It serves
// /api/audio.
//
// It brings no model of its own. An agent hears and speaks when one of its plugins offers a
// [core.Transcriber] or a [core.Speaker]; without one the routes answer MODEL_ERROR.
//
// Files are never held in memory: what comes in and what goes out passes through temporary files, which
// are bounded in size and gone when the request ends.
package audio
