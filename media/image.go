package media

import (
	"encoding/binary"
	"errors"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"sync"
)

// decoders read the header of an image.
var decoders = map[string]func(io.Reader) error{
	"image/jpeg": func(r io.Reader) error { _, err := jpeg.DecodeConfig(r); return err },
	"image/png":  func(r io.Reader) error { _, err := png.DecodeConfig(r); return err },
	"image/gif":  func(r io.Reader) error { _, err := gif.DecodeConfig(r); return err },
	"image/webp": decodeWebP,
}

var (
	errImage = errType.With("Not a valid image")
	errWebP  = errors.New("media: no WebP header")
)

// decodeWebP reads the header of the first chunk, of which there are three kinds.
func decodeWebP(r io.Reader) error {
	var h [30]byte
	if n, err := io.ReadFull(r, h[:]); n < 25 {
		return err
	}
	if string(h[:4]) != "RIFF" || string(h[8:12]) != "WEBP" {
		return errWebP
	}
	ok := false
	switch size := binary.LittleEndian.Uint32(h[16:]); string(h[12:16]) {
	case "VP8 ":
		ok = size >= 10 && h[23] == 0x9d && h[24] == 0x01 && h[25] == 0x2a
	case "VP8L":
		ok = size >= 5 && h[20] == 0x2f
	case "VP8X":
		ok = size >= 10
	}
	if !ok {
		return errWebP
	}
	return nil
}

// imageCheck passes an image on and decodes its header meanwhile, however far in it is. It ends with errImage
// in place of [io.EOF] when there is none.
type imageCheck struct {
	image  io.Reader
	copied *io.PipeWriter
	wg     sync.WaitGroup
	err    error // of the header; after wg
}

// newImageCheck returns a check, to be stopped in any case.
func newImageCheck(image io.Reader, decode func(io.Reader) error) *imageCheck {
	r, w := io.Pipe()
	c := &imageCheck{image: image, copied: w, err: errImage}
	c.wg.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				c.err = errImage
			}
			_ = r.Close()
		}()
		if c.err = decode(r); c.err != nil {
			c.err = errImage.Wrap(c.err)
		}
	})
	return c
}

// Read implements [io.Reader].
func (c *imageCheck) Read(p []byte) (int, error) {
	n, err := c.image.Read(p)
	var decided error
	if n > 0 {
		_, decided = c.copied.Write(p[:n])
	}
	if err == io.EOF {
		_ = c.copied.Close()
	}
	if decided != nil || err == io.EOF {
		c.wg.Wait()
		if c.err != nil {
			return 0, c.err
		}
	}
	return n, err
}

func (c *imageCheck) stop() {
	_ = c.copied.CloseWithError(io.ErrUnexpectedEOF)
	c.wg.Wait()
}
