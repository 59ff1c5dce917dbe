package agents

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// DefaultSalt is the well-known salt of a server that was given none: fine for trying things out, refused
// in production.
const DefaultSalt = "secretsalt"

// Cipher encrypts secrets at rest: AES-256-CBC with PKCS#7 padding under the SHA-256 of a salt, written as
// hex(iv):hex(ciphertext). The form is that of the JavaScript server, so that stored agents can be moved.
// It hides secrets from who reads the database, and does not authenticate them. Safe for concurrent use.
type Cipher struct{ block cipher.Block }

// NewCipher returns the Cipher of a salt. With production set, an empty or the default salt is an error.
func NewCipher(salt string, production bool) (*Cipher, error) {
	if salt == "" {
		salt = DefaultSalt
	}
	if production && salt == DefaultSalt {
		return nil, errors.New("agents: production needs a secret salt of its own (SECRET_SALT)")
	}
	key := sha256.Sum256([]byte(salt))
	block, err := aes.NewCipher(key[:])
	return &Cipher{block}, err
}

// Encrypt returns the stored form of a secret. An empty text and a stored form are returned as they are.
func (c *Cipher) Encrypt(plain string) string {
	if plain == "" || isEncrypted(plain) {
		return plain
	}
	iv := make([]byte, aes.BlockSize)
	if _, err := rand.Read(iv); err != nil {
		panic(err) // crypto/rand never fails on the systems Go supports
	}
	return c.encrypt(plain, iv)
}

func (c *Cipher) encrypt(plain string, iv []byte) string {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data := append([]byte(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(c.block, iv).CryptBlocks(data, data)
	return hex.EncodeToString(iv) + ":" + hex.EncodeToString(data)
}

// Decrypt returns the secret of a stored form; what is none, or was made with another salt, is returned
// as it is.
func (c *Cipher) Decrypt(stored string) string {
	if !isEncrypted(stored) {
		return stored
	}
	ivHex, dataHex, _ := strings.Cut(stored, ":")
	iv, _ := hex.DecodeString(ivHex)
	data, err := hex.DecodeString(dataHex)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return stored
	}
	cipher.NewCBCDecrypter(c.block, iv).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.Equal(data[len(data)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return stored
	}
	return string(data[:len(data)-pad])
}

func isEncrypted(s string) bool {
	iv, rest, ok := strings.Cut(s, ":")
	if !ok || len(iv) != 2*aes.BlockSize || strings.Contains(rest, ":") {
		return false
	}
	if _, err := hex.DecodeString(iv); err != nil {
		return false
	}
	data, err := hex.DecodeString(rest)
	return err == nil && len(data) > 0 && len(data)%aes.BlockSize == 0
}

// seal returns c with all its secrets in their stored form.
func (c *Cipher) seal(ch *core.Character) *core.Character {
	out := ch.Clone()
	c.sealMap(out.Secrets)
	if nested, ok := out.Settings["secrets"].(map[string]any); ok {
		c.sealMap(nested)
	}
	return out
}

func (c *Cipher) sealMap(m map[string]any) {
	for k, x := range m {
		if s, ok := x.(string); ok {
			m[k] = c.Encrypt(s)
		}
	}
}
