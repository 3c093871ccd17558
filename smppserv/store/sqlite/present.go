package sqlite

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// presentTime is how often the files are looked at.
const presentTime = time.Second

// present watches over the names of the files that SQLite has open: on Unix they can be deleted, or others put in their place,
// and all that is written then is gone with the process.
type present struct {
	mu    sync.Mutex
	files []presentFile
	at    time.Time
	err   error
}

type presentFile struct {
	path string
	info fs.FileInfo
}

func newPresent(paths ...string) (*present, error) {
	p := &present{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		os.SameFile(info, info) // Windows looks up which file it is at the first comparison
		p.files = append(p.files, presentFile{path, info})
	}
	return p, nil
}

// Present implements store.Database.
func (d *database) Present() error {
	p := d.present
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.at.IsZero() || now.Sub(p.at) >= presentTime {
		p.at, p.err = now, p.look()
	}
	return p.err
}

func (p *present) look() error {
	const advice = "; what is accepted now would be lost. Stop the server, put the file back, or a backup with: " + RestoreCommand + ", and start it again"
	for _, f := range p.files {
		switch info, err := os.Stat(f.path); {
		case err != nil:
			return fmt.Errorf("store: the file of the running server is gone: %w%s", err, advice)
		case !os.SameFile(f.info, info):
			return fmt.Errorf("store: %s was replaced while the server runs: this is another file%s", f.path, advice)
		}
	}
	return nil
}
