package audio

import (
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.wav": "a.wav", "A.WAV": "A.wav", "a.mp3": "a.wav", "a": "a.wav", "": "audio.wav", "../../x.wav": "x.wav", `C:\x\y.wav`: "y.wav",
		".wav": "audio.wav", "..": "audio.wav", "/": "audio.wav", "a\r\nb\".wav": "ab.wav", "日本.wav": "日本.wav", "\xff.wav": "audio.wav",
		strings.Repeat("ü", 300) + ".wav": strings.Repeat("ü", 50) + ".wav",
	} {
		if got := fileName(name, "audio/x-wav"); got != want {
			t.Errorf("fileName(%q) = %q, want %q", name, got, want)
		}
	}
	if got := fileName("a.OPUS", "audio/ogg"); got != "a.opus" {
		t.Errorf("an allowed extension became %q", got)
	}
}

func TestLanguageHint(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"en": "en", "pt-BR": "pt-BR", "zh_Hans": "zh_Hans", "": "", "e n": "", "en\n": "", strings.Repeat("x", 36): ""} {
		if got := languageHint(in); got != want {
			t.Errorf("languageHint(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("a.wav")
	f.Add(`..\../x".wav`)
	f.Fuzz(func(t *testing.T, name string) {
		got := fileName(name, "audio/wav")
		if !utf8.ValidString(got) || path.Base(got) != got || path.Ext(got) != ".wav" || got == ".wav" || len(got) > 255 || strings.ContainsAny(got, "\"\r\n\x00\\/") {
			t.Errorf("fileName(%q) = %q", name, got)
		}
	})
}
