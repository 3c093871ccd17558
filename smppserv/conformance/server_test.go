package conformance

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"

	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

var machinesFlag = flag.Bool("machines", false, "TestConformance has its stores in a PostgreSQL; the connections of the rows are spread over two workers on each that several rows share")

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen { // the rows of TestConformance mostly wait for timers
		if err := flag.Set("test.parallel", "8"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(testkit.Run(m))
}

// Short names for what rows say often.
type (
	settings = testkit.Settings
	push     = testkit.Push
)

// patience bounds every wait.
const patience = testkit.Patience

// server is a running smppserv under its launcher.
type server struct{ ready worker.Ready }

// startServer starts the launcher, which starts smppserv, with a config.toml and a store of their own, and returns once
// smppserv is ready.
func startServer(t *testing.T, changes settings) *server {
	t.Helper()
	config := testkit.WriteConfig(t, t.TempDir(), settings{
		"launcher.worker": testkit.Program(t, "smppserv"),
		"admin.listen":    "127.0.0.1:0",
		"log.level":       "debug",
		"log.content":     true,
		"clients":         []map[string]any{{"system_id": testkit.Client, "password": testkit.Password}},
	}, changes)
	return &server{testkit.StartLauncher(t, config).AwaitReady(t)}
}

// endpoint is where clients bind.
func (s *server) endpoint() endpoint {
	host, port, _ := net.SplitHostPort(s.ready.SMPP)
	number, _ := strconv.Atoi(port)
	return endpoint{Host: host, Port: number, SystemID: testkit.Client, Password: testkit.Password}
}
