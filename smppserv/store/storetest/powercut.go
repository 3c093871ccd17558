package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// A Disk is what a power cut would leave of a folder, at one moment in the life of the process that writes in it:
// of each file what fsync was called for, of the folder the names that were there when it was synced itself.
// It is read from the system calls of the process, as strace saw them: the page cache, which survives SIGKILL, has no part in it.
type Disk struct {
	names, synced map[string]*inode // by name in the folder: now, and at its last fsync
}

// inode is a file: what is safe, and what was written since.
type inode struct {
	safe    []byte
	pending []change
}

// change is a write, or with cut a truncation to at octets.
type change struct {
	at   int64
	data []byte
	cut  bool
}

func (c change) apply(content []byte) []byte {
	end := c.at + int64(len(c.data))
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if c.cut {
		return content[:c.at]
	}
	copy(content[c.at:], c.data)
	return content
}

// Restore writes what is left into dir. Of each write that was not synced, survives tells whether it is there all the same.
func (d *Disk) Restore(dir string, survives func() bool) error {
	names := maps.Clone(d.synced)
	for name, file := range d.names {
		if names[name] != file && survives() {
			names[name] = file
		}
	}
	for name := range d.synced {
		if d.names[name] == nil && survives() { // that it was removed
			delete(names, name)
		}
	}
	for name, file := range names {
		content := append([]byte(nil), file.safe...)
		for _, c := range file.pending {
			if survives() {
				content = c.apply(content)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// StraceArgs is the start of the command line that runs a program and records its system calls in a file, for ReadDisks.
// Without strace the test is skipped, or, in CI, fails; it is skipped where no process may trace another.
func StraceArgs(t *testing.T, record string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("strace is of Linux")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(missingStrace)
		}
		t.Skip(missingStrace)
	}
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("nothing may be traced here: %v: %s", err, out)
	}
	calls := "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,truncate,fallocate,copy_file_range,sendfile," +
		"mmap,unlink,unlinkat,rename,renameat,renameat2,link,linkat"
	return []string{"strace", "-f", "-qqq", "-yy", "-xx", "-s", strconv.Itoa(maxTraced), "-e", "signal=none", "-e", "trace=" + calls, "-o", record}
}

const missingStrace = "strace is not installed: apt-get install strace"

// maxTraced is how many octets of one write strace shows.
const maxTraced = 1 << 20

// A Said is what the process wrote to anybody outside the folder: To is as strace shows it, like "pipe:[1]" or "TCP:[…]".
type Said struct {
	To   string
	Data []byte
}

// ReadDisks reads a record of strace. It calls moment with each Disk that there was, and what the process had begun to
// say since the one before, while that Disk was all that a power cut would have left. A use of the folder that it
// does not know is an error.
func ReadDisks(record, folder string, moment func(d *Disk, said []Said) error) error {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	f, err := os.Open(record)
	if err != nil {
		return err
	}
	defer f.Close()
	r := replay{folder: folder, moment: moment, begun: map[string]*call{}, at: map[string]int64{}, Disk: Disk{map[string]*inode{}, map[string]*inode{}}}
	for lines, n := bufio.NewReader(f), 1; ; n++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return r.change(func() {})
		}
		if err == nil {
			err = r.line(strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w: %.200s", record, n, err, line)
		}
	}
}

// replay goes through a record.
type replay struct {
	Disk
	folder string
	moment func(d *Disk, said []Said) error
	said   []Said
	begun  map[string]*call // by thread
	at     map[string]int64 // where the next write goes, by descriptor of a file in the folder
}

// call is a system call. Strings and what descriptors stand for are decoded.
type call struct {
	name   string
	args   []string
	of     string // the file of its first argument, or the peer
	result string
	syncs  int               // of fsync: the changes that it finds
	names  map[string]*inode // likewise, of the folder
}

var errUnknown = errors.New("what this does to the folder is not known here")

func (r *replay) line(line string) error {
	thread, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
		return nil
	}
	var c *call
	if rest, resumed := strings.CutPrefix(rest, "<... "); resumed {
		if c = r.begun[thread]; c == nil {
			return errors.New("a call ends that has not begun")
		}
		delete(r.begun, thread)
		c.result = resultOf(rest)
		return r.end(c)
	}
	name, rest, ok := strings.Cut(rest, "(")
	if !ok {
		return errors.New("no system call")
	}
	c = &call{name: name}
	rest, unfinished := strings.CutSuffix(rest, " <unfinished ...>")
	args := rest
	if !unfinished {
		c.result = resultOf(rest)
		args = strings.TrimRight(strings.TrimSuffix(rest, c.result), " =)")
	}
	c.args = strings.Split(args, ", ")
	c.of = described(c.args[0])
	if err := r.begin(c); err != nil {
		return err
	}
	if unfinished {
		r.begun[thread] = c
		return nil
	}
	return r.end(c)
}

// resultOf is what follows the arguments. Neither they nor it have an equals sign of their own.
func resultOf(rest string) string { return rest[strings.LastIndex(rest, "= ")+len("= "):] }

// begin takes note of what is said, and of what an fsync finds.
func (r *replay) begin(c *call) error {
	switch name, inside := r.inside(c.of); {
	case c.name == "write" && !inside:
		data, err := octets(c.args[1])
		if err != nil {
			return err
		}
		r.said = append(r.said, Said{c.of, data})
	case c.name != "fsync" && c.name != "fdatasync":
	case c.of == r.folder:
		c.names = maps.Clone(r.names)
	case inside && r.names[name] != nil:
		c.syncs = len(r.names[name].pending)
	}
	return nil
}

// end does what the call did.
func (r *replay) end(c *call) error {
	if strings.HasPrefix(c.result, "-1 ") || c.result == "?" {
		return nil
	}
	name, inside := r.inside(c.of)
	switch c.name {
	case "write", "open", "openat", "unlink", "unlinkat", "mmap", "rename", "renameat", "renameat2":
	default:
		if !inside && c.of != r.folder {
			return nil
		}
	}
	switch file := r.names[name]; c.name {
	case "open":
		return r.opened(c, c.args[1])
	case "openat":
		return r.opened(c, c.args[2])
	case "unlink", "unlinkat":
		path := c.args[0]
		if c.name == "unlinkat" {
			path = c.args[1]
		}
		b, err := octets(path)
		if err != nil {
			return err
		}
		if name, inside := r.inside(string(b)); inside {
			delete(r.names, name)
		} else if !filepath.IsAbs(string(b)) && r.names[filepath.Base(string(b))] != nil {
			return errUnknown
		}
		return nil
	case "rename":
		return r.renamed(c.args[0], c.args[1])
	case "renameat", "renameat2":
		return r.renamed(c.args[1], c.args[3])
	case "mmap":
		name, inside := r.inside(described(c.args[4]))
		if inside && strings.Contains(c.args[2], "PROT_WRITE") && strings.Contains(c.args[3], "MAP_SHARED") && !strings.HasSuffix(name, "-shm") {
			return errUnknown
		}
		return nil
	case "pwrite64", "ftruncate":
		if file == nil {
			return errUnknown
		}
		change, err := changeOf(c)
		if err == nil {
			file.pending = append(file.pending, change)
		}
		return err
	case "fsync", "fdatasync":
		if c.of == r.folder {
			return r.change(func() { r.synced = c.names })
		}
		if file == nil {
			return errUnknown
		}
		if c.syncs == 0 {
			return nil
		}
		return r.change(func() {
			for _, change := range file.pending[:c.syncs] {
				file.safe = change.apply(file.safe)
			}
			file.pending = file.pending[c.syncs:]
		})
	case "write":
		if !inside {
			return nil
		}
		at, known := r.at[descriptor(c.args[0])]
		if file == nil || !known {
			return errUnknown
		}
		data, err := dataOf(c)
		r.at[descriptor(c.args[0])] = at + int64(len(data))
		file.pending = append(file.pending, change{at: at, data: data})
		return err
	}
	return errUnknown
}

// renamed takes absolute paths within the folder.
func (r *replay) renamed(from, to string) error {
	old, err := octets(from)
	if err != nil {
		return err
	}
	name, err := octets(to)
	if err != nil {
		return err
	}
	source, out := r.inside(string(old))
	target, in := r.inside(string(name))
	switch {
	case !in && !out && filepath.IsAbs(string(old)) && filepath.IsAbs(string(name)):
		return nil
	case !in || !out || r.names[source] == nil:
		return errUnknown
	}
	r.names[target] = r.names[source]
	delete(r.names, source)
	return nil
}

func (r *replay) opened(c *call, flags string) error {
	name, inside := r.inside(described(c.result))
	switch {
	case !inside:
		return nil
	case strings.Contains(flags, "SYNC"), strings.Contains(flags, "O_TRUNC"), strings.Contains(flags, "O_APPEND"):
		return errUnknown
	case r.names[name] == nil:
		r.names[name] = &inode{}
	}
	r.at[descriptor(c.result)] = 0
	return nil
}

func changeOf(c *call) (change, error) {
	at, err := strconv.ParseInt(c.args[len(c.args)-1], 10, 64)
	if err != nil || c.name == "ftruncate" {
		return change{at: at, cut: true}, err
	}
	data, err := dataOf(c)
	return change{at: at, data: data}, err
}

// dataOf is what a call wrote.
func dataOf(c *call) ([]byte, error) {
	data, err := octets(c.args[1])
	if err == nil && strconv.Itoa(len(data)) != c.result {
		err = errors.New("not all of the write is there")
	}
	return data, err
}

// change tells of the Disk as it was until now, and changes it.
func (r *replay) change(what func()) error {
	err := r.moment(&r.Disk, r.said)
	r.said = nil
	what()
	return err
}

// inside is the name of a file that lies in the folder itself.
func (r *replay) inside(path string) (name string, ok bool) {
	dir, name := filepath.Split(path)
	return name, filepath.Clean(dir) == r.folder && path != r.folder
}

// descriptor is the number of one, as 3 of 3<\x2f…>.
func descriptor(fd string) string {
	number, _, _ := strings.Cut(fd, "<")
	return number
}

// described is what a descriptor stands for: a path, as 3<\x2f…>, or 3<TCP:[…->…]>.
func described(fd string) string {
	_, what, _ := strings.Cut(fd, "<")
	end := strings.LastIndexByte(what, '>')
	if end < 0 || what[end+1:] == "(deleted)" {
		return ""
	}
	b, err := octets(`"` + what[:end] + `"`)
	if err != nil {
		return what[:end]
	}
	return string(b)
}

// octets reads a string of strace -xx.
func octets(s string) ([]byte, error) {
	s, ok := strings.CutPrefix(s, `"`)
	s, end := strings.CutSuffix(s, `"`)
	if !ok || !end || len(s)%4 != 0 {
		return nil, fmt.Errorf("%.20q is no string, or it is cut off", s)
	}
	b := make([]byte, 0, len(s)/4)
	for i := 0; i < len(s); i += 4 {
		n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil || s[i:i+2] != `\x` {
			return nil, fmt.Errorf("%.20q is no octet", s[i:i+4])
		}
		b = append(b, byte(n))
	}
	return b, nil
}
