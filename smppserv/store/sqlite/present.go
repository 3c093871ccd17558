package sqlite

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// presentTime is how often the files are looked at.
const presentTime = time.Second

// present watches over the files that SQLite has open. On Unix they can be deleted, or others put in their place, and all that
// is written then is gone with the process; and a copy can be written over the database where it lies.
type present struct {
	files []presentFile
	head  *os.File // the database; while SQLite has it open, closing it would free SQLite's locks
	index *os.File // of the log

	mu      sync.Mutex
	at      time.Time
	err     error
	numbers []uint32 // what the database's user_version may be; see leftover.go
	over    bool     // another content was found in it
}

type presentFile struct {
	path string
	info fs.FileInfo
}

// newPresent must be called before SQLite opens the database.
func newPresent(file string) (*present, error) {
	f, err := os.Open(file)
	return &present{head: f}, err
}

// closeIndex must be called before SQLite closes the database and deletes the index, which Windows refuses else.
func (p *present) closeIndex() error {
	if p.index == nil {
		return nil
	}
	return p.index.Close()
}

// logState is what the index of the log says of it (SQLite's WAL-mode file format, 2.1).
type logState struct {
	pages  int64   // in it
	copied int64   // of these, into the database
	salts  [8]byte // they tell it from the one before in the same file
}

func (p *present) logNow() (l logState) {
	var head [84]byte // from octet 16 on
	_, _ = p.index.ReadAt(head[:], 16)
	copy(l.salts[:], head[16:])
	l.pages = int64(binary.NativeEndian.Uint32(head[:]))
	l.copied = int64(binary.NativeEndian.Uint32(head[80:]))
	return l
}

// begin notes which files SQLite has open now.
func (p *present) begin(paths ...string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		os.SameFile(info, info) // Windows looks up which file it is at the first comparison
		p.files = append(p.files, presentFile{path, info})
	}
	n, err := p.number()
	p.expect(n)
	return err
}

// expect tells of a number that may come into the database.
func (p *present) expect(n uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.numbers = append(p.numbers, n, n+1)
	const most = 1000 // after hours in which a reader held all of it back
	p.numbers = p.numbers[max(0, len(p.numbers)-most):]
}

// only tells that the number has come into the database.
func (p *present) only(n uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.numbers = append(p.numbers[:0], n, n+1)
}

func (p *present) number() (uint32, error) {
	head := make([]byte, fileHeader)
	if _, err := p.head.ReadAt(head, 0); err != nil {
		return 0, err
	}
	if string(head[:len(sqliteMagic)]) != string(sqliteMagic) {
		return 0, errNotADatabase
	}
	return readPage1(head).userVersion, nil
}

// Present implements store.Database.
func (d *database) Present() error { return d.present.look() }

func (p *present) look() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.at.IsZero() || now.Sub(p.at) >= presentTime {
		p.at, p.err = now, p.find()
	}
	return p.err
}

func (p *present) find() error {
	const advice = "; what is accepted now would be lost. Stop the server, put the file back, or a backup with: " + RestoreCommand + ", and start it again"
	for _, f := range p.files {
		switch info, err := os.Stat(f.path); {
		case err != nil:
			return fmt.Errorf("store: a file of the running server is gone: %w%s", err, advice)
		case !os.SameFile(f.info, info):
			return fmt.Errorf("store: %s was replaced under the running server: this is another file%s", f.path, advice)
		}
	}
	if n, err := p.number(); p.over || err != nil || !slices.Contains(p.numbers, n) {
		p.over = true
		return fmt.Errorf("store: %s was written over under the running server: its content is another one%s", p.files[0].path, advice)
	}
	return nil
}

// now looks at once, whenever it looked last.
func (p *present) now() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.err = time.Now(), p.find()
	return p.err
}

// overwritten tells whether SQLite must not write into the database any more: its log belongs to what was there.
func (p *present) overwritten() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = p.find()
	return p.over
}
