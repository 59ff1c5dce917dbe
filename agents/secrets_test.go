package agents

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestCipher(t *testing.T) {
	t.Parallel()
	c, err := NewCipher("secretsalt", false)
	if err != nil {
		t.Fatal(err)
	}
	iv, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	const want = "000102030405060708090a0b0c0d0e0f:a123c221883b03d7d6f47bf812775ab2"
	if got := c.encrypt("hunter2", iv); got != want {
		t.Errorf("encrypt = %s, want %s", got, want)
	}
	for _, plain := range []string{"hunter2", "sixteen bytes ok", strings.Repeat("ü", 1000), "a:b", "00:11"} {
		sealed := c.Encrypt(plain)
		if sealed == plain || c.Decrypt(sealed) != plain {
			t.Errorf("%.20q became %.60q", plain, sealed)
		}
		if c.Encrypt(sealed) != sealed {
			t.Errorf("%.60q was encrypted twice", sealed)
		}
	}
	for _, kept := range []string{"", "plain", want[:40], "zz0102030405060708090a0b0c0d0e0f:a1", want + ":x", strings.Replace(want, "a1", "a2", 1)[:len(want)-2]} {
		if got := c.Decrypt(kept); got != kept {
			t.Errorf("Decrypt(%q) = %q, want it as it is", kept, got)
		}
	}
	other, err := NewCipher("another", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := other.Decrypt(want); got == "hunter2" {
		t.Error("another salt decrypts it")
	}
}

func TestProductionNeedsASaltOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, salt := range []string{"", DefaultSalt} {
		if _, err := NewCipher(salt, true); err == nil || !strings.Contains(err.Error(), "SECRET_SALT") {
			t.Errorf("NewCipher(%q, true): %v", salt, err)
		}
	}
}
