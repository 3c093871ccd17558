package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// markBlock is how many message_ids are reserved ahead: so many are skipped at most when the worker was killed.
	markBlock = 10_000
	// Under load that many last for less than markTime: then it is ever more, up to maxBlock, for each write competes with the commits.
	maxBlock = 1 << 20
	markTime = 5 * time.Second
)

// mark is the high-water mark of the message_ids: a file that holds the highest one that may have been given out. It is not in
// the database, so that ids do not come again when a backup is put back or the database is moved away.
// It is written before an id above it is told to anybody.
type mark struct {
	path     string
	reserved atomic.Uint64 // what the file holds
	half     atomic.Uint64 // of a block: with fewer left, more are reserved

	ahead atomic.Bool // somebody extends it
	under sync.WaitGroup
	mu    sync.Mutex // held while the file is written
	block sms.ID
	at    time.Time // of the last write
}

// openMark opens the mark at path; with "" it is kept nowhere.
func openMark(path string) (*mark, error) {
	if path == "" {
		m := &mark{}
		m.reserved.Store(maxMark)
		return m, nil
	}
	id, err := ReadMark(path)
	if err != nil {
		return nil, err
	}
	m := &mark{path: path, block: markBlock}
	m.half.Store(markBlock / 2)
	m.reserved.Store(uint64(id))
	return m, nil
}

// reserve returns when all ids up to last may be given out.
func (m *mark) reserve(last sms.ID) error {
	if uint64(last) <= m.reserved.Load() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint64(last) <= m.reserved.Load() {
		return nil
	}
	return m.write(last + m.grow())
}

// grow is how many to reserve now.
func (m *mark) grow() sms.ID {
	now := time.Now()
	switch elapsed := now.Sub(m.at); {
	case elapsed < markTime:
		m.block = min(4*m.block, maxBlock)
	case elapsed > 4*markTime:
		m.block = markBlock
	}
	m.at = now
	m.half.Store(uint64(m.block / 2))
	return m.block
}

// extend has more ids reserved before they are needed, and does not wait for it. Where it fails, reserve will say so.
func (m *mark) extend(last sms.ID) {
	if uint64(last)+m.half.Load() <= m.reserved.Load() || !m.ahead.CompareAndSwap(false, true) {
		return
	}
	m.under.Go(func() {
		defer m.ahead.Store(false)
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.write(max(last+m.grow(), sms.ID(m.reserved.Load())))
	})
}

// close gives back what was reserved in vain.
func (m *mark) close(last sms.ID) error {
	m.under.Wait()
	if m.path == "" {
		return nil
	}
	if uint64(last) == m.reserved.Load() {
		return nil
	}
	return m.write(last)
}

func (m *mark) write(id sms.ID) error {
	if err := writeMark(m.path, id); err != nil {
		return err
	}
	m.reserved.Store(uint64(id))
	return nil
}

const (
	markFormat = "last_message_id %d crc32 %08x\n"
	// maxMark is far above what a life gives out and leaves room below what SQLite and ParseID take.
	maxMark = 1 << 62
)

// ReadMark reads a high-water mark: the highest message_id that may have been given out, 0 when there is no such file.
// It takes a number alone, as a person writes it. Its errors name the file and what to do.
func ReadMark(path string) (sms.ID, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the high-water mark of the message ids: %w", err)
	}
	var id uint64
	var sum uint32
	text := string(data)
	_, err = fmt.Sscanf(text, markFormat, &id, &sum)
	if err == nil && (text != fmt.Sprintf(markFormat, id, sum) || sum != markSum(id)) {
		err = strconv.ErrSyntax
	}
	if err != nil {
		id, err = strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")), 10, 64)
	}
	if err != nil || id > maxMark {
		return 0, fmt.Errorf("%s, the high-water mark of the message ids, is damaged: so that no id comes again, write into it a number that is "+
			"above every message_id given out so far (the logs and Hermès show them); delete it only if no backup was ever put back", path)
	}
	return sms.ID(id), nil
}

func markSum(id uint64) uint32 { return crc32.ChecksumIEEE(strconv.AppendUint(nil, id, 10)) }

// RaiseMark sets a high-water mark that is lower than id to id. Nobody may have the store open.
func RaiseMark(path string, id sms.ID) error {
	old, err := ReadMark(path)
	if err != nil || old >= id {
		return err
	}
	return writeMark(path, id)
}

// writeMark leaves the old mark or the new one, whatever happens meanwhile. It is no secret: whoever restored a backup need not
// be the account that runs the service.
func writeMark(path string, id sms.ID) error {
	err := replaceFile(path, fmt.Appendf(nil, markFormat, id, markSum(uint64(id))), 0o644)
	if err != nil {
		return fmt.Errorf("the high-water mark of the message ids cannot be written: %w", err)
	}
	return nil
}

func replaceFile(path string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_RDWR, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Truncate(int64(len(content))) // of one that a crash left
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder returns when the names in a folder are on disk.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // NTFS keeps a journal of names, and a folder cannot be flushed
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
