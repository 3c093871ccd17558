package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/smpptest"

	"hnetsmpp/pkg/smpp"
)

// serveAs makes this program itself one of the servers that ours is compared with. They end with their stdin.
const serveAs = "HNET_BENCH_SERVER"

const (
	nullServer  = "null"    // answers whole PDUs and does nothing else: what the machine can do
	flushServer = "flush"   // writes a page to disk before it answers what it has read, and does nothing else: what the disk allows
	goServer    = "go-smpp" // go-smpp's test server, the yardstick
	nodeServer  = "node"    // node's smpp library
)

// serveIfAsked serves and does not return where serveAs is set.
func serveIfAsked() {
	switch os.Getenv(serveAs) {
	case nullServer:
		serve(func() error { return nil })
	case flushServer:
		flush, err := flusher()
		if err != nil {
			log.Fatal(err)
		}
		serve(flush)
	case goServer:
		serveGoSMPP()
	default:
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// otherAccount is what go-smpp's server takes; the others take anything.
func otherAccount(int) account { return account{smpptest.DefaultUser, smpptest.DefaultPasswd} }

// flusher writes a page to a file in the current folder and returns when that is on disk. The file never grows.
func flusher() (flush func() error, err error) {
	const pages = 4096
	page := make([]byte, 4096)
	f, err := os.Create("flushed")
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(make([]byte, pages*len(page))); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	n := int64(0)
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		n = (n + 1) % pages
		if _, err := f.WriteAt(page, n*int64(len(page))); err != nil {
			return err
		}
		return flushData(f)
	}, nil
}

// serve answers all clients; first is done before the answers to what was read together.
func serve(first func() error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(c, first)
		}
	}()
}

// answerAll answers every request with the same message_id and looks at nothing but its length.
func answerAll(c net.Conn, first func() error) {
	defer c.Close()
	r, w := bufio.NewReaderSize(c, callBuffer), bufio.NewWriterSize(c, callBuffer)
	answer := append(make([]byte, smpp.HeaderLen), "0123456789\x00"...)
	for {
		head, err := r.Peek(smpp.HeaderLen)
		if err != nil {
			return
		}
		h := smpp.ParseHeader(head)
		if _, err := r.Discard(int(h.Length)); err != nil {
			return
		}
		smpp.Header{Length: uint32(len(answer)), Command: h.Command.Response(), Sequence: h.Sequence}.Append(answer[:0])
		_, _ = w.Write(answer)
		if r.Buffered() < smpp.HeaderLen && (first() != nil || w.Flush() != nil) {
			return
		}
	}
}

func serveGoSMPP() {
	log.SetOutput(io.Discard) // it tells of every connection that ends
	s := smpptest.NewUnstartedServer()
	s.Handler = func(c smpptest.Conn, p pdu.Body) {
		if p.Header().ID != pdu.SubmitSMID {
			return
		}
		resp := pdu.NewSubmitSMResp()
		resp.Header().Seq = p.Header().Seq
		_ = resp.Fields().Set(pdufield.MessageID, "0123456789")
		_ = c.Write(resp)
	}
	fmt.Println(s.Addr())
	s.Start()
}

//go:embed testdata/server.js
var nodeScript string

var errNoNode = errors.New("node, or its smpp library, is not here: npm ci --prefix smppserv/conformance/testdata/node")

// startOther starts a server in a process of its own, in a folder, and returns its address.
func startOther(name, folder string) (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), serveAs+"="+name)
	if name == nodeServer {
		if c, err = node(); err != nil {
			return "", nil, err
		}
	}
	c.Dir = folder
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	in, err := c.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		in.Close()
		kill := time.AfterFunc(5*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		kill.Stop()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("the server %s did not start: %w", name, err)
	}
	return strings.TrimSpace(line), stop, nil
}

// node is the command of node's server.
func node() (*exec.Cmd, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	modules := filepath.Join(root, "smppserv", "conformance", "testdata", "node", "node_modules")
	path, err := exec.LookPath("node")
	if err != nil {
		return nil, errNoNode
	}
	if _, err := os.Stat(filepath.Join(modules, "smpp")); err != nil {
		return nil, errNoNode
	}
	c := exec.Command(path, "-e", nodeScript)
	c.Env = append(os.Environ(), "NODE_PATH="+modules)
	return c, nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("run it from within the project's folder")
	}
	return filepath.Dir(mod), nil
}
