package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/testkit"
)

// twice is an error of a driver that tries with TLS and without.
func twice(t *testing.T) error {
	_, err := pgx.Connect(t.Context(), "postgres://keeper@127.0.0.1:"+strconv.Itoa(testkit.FreePort(t))+"/treasury?sslmode=prefer")
	return err
}

func TestWhatIsSaidOfADatabaseThatIsAwayHasNothingOfTheDSNButTheHost(t *testing.T) {
	_, err := pgx.Connect(t.Context(), "postgres://keeper:S3cret@127.0.0.1:"+strconv.Itoa(testkit.FreePort(t))+"/treasury?sslmode=disable")
	if err == nil || !strings.Contains(err.Error(), "keeper") {
		t.Fatalf("the driver says: %v", err)
	}
	if text := undisclosed(err).Error(); strings.Contains(text, "keeper") || strings.Contains(text, "treasury") || strings.Contains(text, "S3cret") || !strings.Contains(text, "127.0.0.1") {
		t.Error(text)
	}
	if text := undisclosed(fmt.Errorf("renew: %w", twice(t))).Error(); strings.Contains(text, "\n") || strings.Count(text, "refused") > 1 {
		t.Errorf("one reason is told twice: %s", text)
	}
}
