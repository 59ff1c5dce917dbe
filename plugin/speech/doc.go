// Package speech gives agents a voice and ears without any cloud, by programs installed on the machine:
// espeak-ng speaks, sox converts (ffmpeg, what browsers record), and any program that turns a sound file into
// text transcribes.
//
//	eliza.WithPlugins(speech.Plugin(speech.Options{TranscribeCommand: "whisper-cli -m /models/base.bin -nt -np -f"}))
//
// What is not installed is not offered. Models of other plugins come first: this one is the fallback.
//
// Every run of a program is bounded in time, input and output, and ends with its context, the processes it
// started included where the system can do that. espeak-ng, sox and ffmpeg see only a few harmless variables of the
// environment; the command for transcription is the operator's and inherits all of it.
package speech
