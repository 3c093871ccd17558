package transfer_test

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// Rows that are copied and read back, each way, of 300 000 messages with two tries each; the memory is what the process has of the system.
func BenchmarkCopy(b *testing.B) {
	const messages = 300_000
	for b.Loop() {
		pg, folder := testkit.SharedPostgres(b), b.TempDir()
		s := &site{pg: pg, file: filepath.Join(folder, "messages.db"),
			postgres: postgres.Options{DSN: pg.Database(b), Folder: folder, Node: "one", Log: zerolog.Nop()}}
		d, err := sqlite.OpenDestination(ctx, s.sqlite())
		if err != nil {
			b.Fatal(err)
		}
		storetest.Fill(b, d, "a", messages, 1000)
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		there := must(b, s.there)
		middle := time.Now()
		back := must(b, s.back)
		b.ReportMetric(float64(there.Rows)/middle.Sub(began).Seconds(), "rows/s-there")
		b.ReportMetric(float64(back.Rows)/time.Since(middle).Seconds(), "rows/s-back")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/1e6, "MB")
	}
}
