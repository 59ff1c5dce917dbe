package speech

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

func FuzzMendWave(f *testing.F) {
	f.Add([]byte("RIFF\x24\xf0\xff\x7fWAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x00\xf0\xff\x7fsamples"))
	f.Add([]byte("RIFF....WAVEdata....x"))
	f.Add([]byte("RIFF....WAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := os.Create(filepath.Join(t.TempDir(), "x.wav"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.Write(in); err != nil {
			t.Fatal(err)
		}
		if mendWave(file) != nil {
			return
		}
		out, err := os.ReadFile(file.Name())
		if err != nil || len(out) != len(in) {
			t.Fatalf("%d bytes became %d, %v", len(in), len(out), err)
		}
		at, ok := soundAt(out)
		if !ok || int(binary.LittleEndian.Uint32(out[4:])) != len(out)-8 || int(binary.LittleEndian.Uint32(out[at-4:])) != len(out)-at {
			t.Errorf("%q became %q", in, out)
		}
	})
}
