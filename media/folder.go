package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Dirs are the folders of a [Folder]. Each has a folder an owner, named by its id.
type Dirs struct{ Agents, Channels, Generated string }

// DataDirs are the usual folders below a data folder.
func DataDirs(data string) Dirs {
	return Dirs{
		Agents:    filepath.Join(data, "data", "uploads", "agents"),
		Channels:  filepath.Join(data, "data", "uploads", "channels"),
		Generated: filepath.Join(data, "data", "generated"),
	}
}

// Folder is [Blobs] in folders of this machine, which are made when first needed. An owner's folder is never
// left, by links neither.
type Folder struct{ dirs map[Kind]string }

var (
	_ Blobs   = (*Folder)(nil)
	_ Locator = (*Folder)(nil)
)

// NewFolder returns the Folder of the given folders, all of which must be named.
func NewFolder(dirs Dirs) *Folder {
	f := &Folder{dirs: map[Kind]string{KindAgent: dirs.Agents, KindChannel: dirs.Channels, KindGenerated: dirs.Generated}}
	for kind, dir := range f.dirs {
		if dir == "" {
			panic("media: no folder for " + kind)
		}
		if abs, err := filepath.Abs(dir); err == nil {
			f.dirs[kind] = abs
		}
	}
	return f
}

const (
	unfinished = ".upload-" // begins the name of a file that is not complete
	folderMode = 0o750
	fileMode   = 0o640
)

var errFull = &core.Error{Code: core.CodeStorageFull, Message: "No space left for files"}

// Save implements [Blobs]: into a file of another name that gets its own when it is complete and on the disk.
func (f *Folder) Save(ctx context.Context, kind Kind, owner core.UUID, name string, r io.Reader) (size int64, err error) {
	defer func() {
		if errors.Is(err, syscall.ENOSPC) {
			err = errFull.Wrap(err)
		}
	}()
	if err := f.check(kind, owner, name); err != nil {
		return 0, err
	}
	root, err := f.make(kind, owner)
	if err != nil {
		return 0, fmt.Errorf("media: make the folder of %s: %w", owner, err)
	}
	defer func() { _ = root.Close() }()
	temp := unfinished + strings.ToLower(rand.Text())
	if size, err = write(ctx, root, temp, r); err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		if left := root.Remove(temp); !errors.Is(left, fs.ErrNotExist) {
			err = errors.Join(err, left)
		}
		return 0, fmt.Errorf("media: save %s: %w", name, err)
	}
	syncFolder(root)
	return size, nil
}

// write writes all of r to a new file and waits until it is on the disk.
func write(ctx context.Context, root *os.Root, name string, r io.Reader) (size int64, err error) {
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if size, err = io.Copy(file, until(ctx, r)); err != nil {
		return 0, err
	}
	return size, file.Sync()
}

// reader is a function that reads.
type reader func(p []byte) (int, error)

// Read implements [io.Reader].
func (r reader) Read(p []byte) (int, error) { return r(p) }

// until ends r with ctx.
func until(ctx context.Context, r io.Reader) io.Reader {
	return reader(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

// syncFolder makes a new name last. Where folders cannot be synced the system does it by itself.
func syncFolder(root *os.Root) {
	if dir, err := root.Open("."); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}

// Open implements [Blobs].
func (f *Folder) Open(_ context.Context, kind Kind, owner core.UUID, name string) (*Blob, error) {
	if err := f.check(kind, owner, name); err != nil {
		return nil, err
	}
	root, err := f.open(kind, owner)
	if err != nil {
		return nil, missing(err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, missing(err)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, missing(err)
	}
	return &Blob{ReadSeekCloser: file, Size: info.Size(), Modified: info.ModTime()}, nil
}

// missing is the error of a file that is not there, leads out of its folder, or has an impossible name.
func missing(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EIO) {
		return fmt.Errorf("media: open a file: %w", err)
	}
	return ErrNotFound.Wrap(err)
}

// Delete implements [Blobs].
func (f *Folder) Delete(_ context.Context, kind Kind, owner core.UUID) (err error) {
	if err := f.check(kind, owner, "x"); err != nil {
		return err
	}
	base, err := os.OpenRoot(f.dirs[kind])
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(removeAll(base, string(owner)), base.Close())
	}
	if err != nil {
		return fmt.Errorf("media: delete the files of %s: %w", owner, err)
	}
	return nil
}

// removeAll removes a folder, also when uploads put files into it meanwhile.
func removeAll(base *os.Root, name string) (err error) {
	for range 100 {
		if err = base.RemoveAll(name); !errors.Is(err, fs.ErrExist) { // as "not empty" is called
			return err
		}
	}
	return err
}

// Locate implements [Locator].
func (f *Folder) Locate(path string) (kind Kind, owner core.UUID, name string, ok bool) {
	if !filepath.IsAbs(path) {
		return "", "", "", false
	}
	dir, name := filepath.Split(filepath.Clean(path))
	parent, id := filepath.Split(filepath.Clean(dir))
	owner, err := core.ParseUUID(id)
	if err != nil || !ValidName(name) {
		return "", "", "", false
	}
	for kind, of := range f.dirs {
		if filepath.Clean(parent) == of {
			return kind, owner, name, true
		}
	}
	return "", "", "", false
}

// Sweep removes what is left of uploads that the end of a process cut, when nothing was written to it for the
// given time. It is for the start of a server.
func (f *Folder) Sweep(ctx context.Context, idle time.Duration) error {
	var all error
	for _, dir := range f.dirs {
		base, err := os.OpenRoot(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(sweep(ctx, base, idle), base.Close())
		}
		all = errors.Join(all, err)
	}
	return all
}

func sweep(ctx context.Context, base *os.Root, idle time.Duration) error {
	left, err := fs.Glob(base.FS(), "*/"+unfinished+"*")
	if err != nil {
		return err
	}
	var all error
	for _, name := range left {
		if err := ctx.Err(); err != nil {
			return err
		}
		if info, err := base.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) >= idle {
			all = errors.Join(all, base.Remove(name))
		}
	}
	return all
}

// check keeps everything that is no owner and no name away from the file system.
func (f *Folder) check(kind Kind, owner core.UUID, name string) error {
	if _, known := f.dirs[kind]; !known || !ValidName(name) {
		return core.BadRequest("Invalid file name")
	}
	if id, err := core.ParseUUID(string(owner)); err != nil || id != owner {
		return &core.Error{Code: core.CodeInvalidID, Message: "Invalid owner of a file"}
	}
	return nil
}

// open opens the folder of an owner.
func (f *Folder) open(kind Kind, owner core.UUID) (*os.Root, error) {
	base, err := os.OpenRoot(f.dirs[kind])
	if err != nil {
		return nil, err
	}
	root, err := base.OpenRoot(string(owner))
	return root, errors.Join(err, base.Close())
}

// make opens the folder of an owner, made when it is missing.
func (f *Folder) make(kind Kind, owner core.UUID) (*os.Root, error) {
	if err := os.MkdirAll(f.dirs[kind], folderMode); err != nil {
		return nil, err
	}
	base, err := os.OpenRoot(f.dirs[kind])
	if err != nil {
		return nil, err
	}
	if err = base.Mkdir(string(owner), folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(err, base.Close())
	}
	root, err := base.OpenRoot(string(owner))
	return root, errors.Join(err, base.Close())
}
