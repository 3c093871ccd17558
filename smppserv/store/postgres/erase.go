package postgres

import (
	"context"

	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

const (
	// eraseGroups takes the rows in the order in which others take them.
	eraseGroups = "DELETE FROM groups WHERE ctid = ANY (ARRAY(SELECT ctid FROM groups WHERE source = $1 OR destination = $1 " +
		"ORDER BY submitter, source, destination, ref, form, total FOR UPDATE))"
	renameCampaign = "UPDATE hourly SET campaign = $1, counter = NULL WHERE campaign = $2 AND hour >= $3 AND hour < $4 AND (node = $5 OR node NOT IN (SELECT name FROM nodes))"
	rewordAudit    = "UPDATE audit SET on_what = $1, more = $2 WHERE id = $3"
)

// erase writes what an erasure changes besides messages.
func (w *writer) erase(q *pgx.Batch, b *store.Batch) {
	for _, number := range b.Erased {
		q.Queue(eraseGroups, escape(number))
	}
	w.counted.anew = len(b.Renamed) > 0
	for _, r := range b.Renamed {
		q.Queue(renameCampaign, escape(r.To), escape(r.Campaign), r.From, r.Until, escape(w.d.o.Node))
	}
	for _, e := range b.Reworded {
		q.Queue(rewordAudit, escape(e.On), escape(e.More), e.ID)
	}
}

// Scrub implements store.Database: there is nothing that a client of PostgreSQL can overwrite. What was deleted goes with VACUUM, and with the
// pages and the segments of the log that are used again.
func (d *Database) Scrub(context.Context) error { return nil }
