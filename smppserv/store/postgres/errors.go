package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	errNewer    = errors.New("this database was made by a newer version of smppserv, whose tables this one does not know")
	errOlder    = errors.New("this PostgreSQL is older than 13")
	errStandby  = errors.New("this server is a standby, which cannot be written to")
	errReadOnly = errors.New("this database can only be read")
	errEncoding = errors.New("the encoding of this database is not UTF8")
	errLacking  = errors.New("a version that was never released made its tables")
	errNoEpoch  = errors.New("the epoch has no row in fences")
)

// SQLSTATE codes (PostgreSQL, appendix A), and ours.
const (
	codeFenced            = "HN001"
	codeNotAll            = "22012" // of endLikely: division by zero
	codeVoid              = "2201F" // of openAsks and answerAsks: square root of a negative number
	codeUniqueViolation   = "23505"
	codeReadOnly          = "25006"
	codeBadPassword       = "28P01"
	codeBadAuthorization  = "28000"
	codeNoDatabase        = "3D000"
	codeNoSchema          = "3F000"
	codePrivilege         = "42501"
	codeDiskFull          = "53100"
	codeOutOfMemory       = "53200"
	codeTooManyConnection = "53300"
	codeLockTimeout       = "55P03"
	codeCancelled         = "57014"
	codeAdminShutdown     = "57P01"
	codeCrashShutdown     = "57P02"
	codeStarting          = "57P03"
)

// badDSN is a DSN that says nothing that can be used.
type badDSN struct{ reason string }

func (e *badDSN) Error() string { return "store.dsn: " + e.reason }

// IsBadDSN knows the errors that only a change of the configuration mends.
func IsBadDSN(err error) bool {
	_, ok := errors.AsType[*badDSN](err)
	return ok
}

// reason is what is wrong with a DSN, without what it says: pgx quotes it.
func reason(err error) string {
	const general = "it is neither a postgres:// URL nor a row of key=value words"
	parse, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if !ok {
		return general
	}
	text := parse.Error()
	text = text[strings.LastIndexByte(text, '`')+1:] // the DSN stands before
	for _, known := range []string{"CA file", "sslmode", "sslrootcert", "sslcert", "sslkey", "certificate", "port", "connect_timeout", "target_session_attrs",
		"service", "default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity", "min_protocol_version", "max_protocol_version", "channel_binding"} {
		if strings.Contains(text, known) {
			return "its " + known + " cannot be used"
		}
	}
	return general
}

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// IsAway knows the errors of a server that cannot be reached for now, is starting or ending, breaks the connection off, or does not come
// to an end in time.
func IsAway(err error) bool {
	switch code(err) {
	case codeStarting, codeAdminShutdown, codeCrashShutdown, codeCancelled, codeLockTimeout:
		return true
	case "":
	default:
		return false
	}
	if errors.Is(err, store.ErrForeign) || errors.Is(err, store.ErrHeld) {
		return false
	}
	if isUntrusted(err) || isWithoutTLS(err) {
		return false
	}
	_, isNet := errors.AsType[net.Error](err)
	_, isConnect := errors.AsType[*pgconn.ConnectError](err)
	return isNet || isConnect || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// isUntrusted tells that the server shows a certificate which the DSN does not trust.
func isUntrusted(err error) bool {
	_, is := errors.AsType[*tls.CertificateVerificationError](err)
	return is
}

// isWithoutTLS tells that no server which the DSN names takes TLS, without which the DSN lets nobody connect.
func isWithoutTLS(err error) bool {
	c, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok && store.RefusedTLS(c.Unwrap().Error())
}

// explain says in one line what is wrong with the database and what to do about it.
func explain(where string, err error) error {
	return advise(where, err, "; PostgreSQL cannot be reached: it is waited for")
}

// advise is explain with what follows where the server is away.
func advise(where string, err error, away string) error {
	if err == nil || IsBadDSN(err) {
		return err
	}
	var advice string
	switch code(err) {
	case codeBadPassword, codeBadAuthorization:
		advice = "; the server refuses the user or the password of store.dsn: correct them, or let them in (pg_hba.conf)"
	case codeNoDatabase:
		advice = "; make it: createdb NAME, or name another in store.dsn"
	case codeNoSchema, codePrivilege:
		advice = "; give the user of store.dsn the right to make tables there: it is easiest as the owner of the database"
	case codeDiskFull:
		advice = "; the disk of the PostgreSQL server is full: make room there"
	case codeOutOfMemory:
		advice = "; the PostgreSQL server has no memory left"
	case codeTooManyConnection:
		advice = "; PostgreSQL has no connection left: raise max_connections, or the limit of the user or the database, to 20 for each worker, or end other programs' connections"
	case codeReadOnly:
		advice = "; it is a standby, or was made read-only: name the primary, or all servers with target_session_attrs=read-write"
	case codeLockTimeout, codeCancelled:
		advice = "; another program holds a lock on our tables, or the server is overloaded"
	}
	switch {
	case errors.Is(err, errStandby), errors.Is(err, errReadOnly):
		advice = ": name the primary in store.dsn, or all servers with target_session_attrs=read-write"
	case errors.Is(err, store.ErrForeign):
		advice = ": name an empty one in store.dsn (createdb NAME), or a schema of ours with search_path"
	case errors.Is(err, errNewer):
		advice = ": install that version on this machine too"
	case errors.Is(err, errOlder):
		advice = ": install a newer PostgreSQL"
	case errors.Is(err, errEncoding):
		advice = ": make it with: createdb -E UTF8 -T template0 NAME"
	case isUntrusted(err):
		advice = ": name the authority of its certificate with sslrootcert in store.dsn, and the server as the certificate does"
	case isWithoutTLS(err):
		advice = ": turn TLS on there (ssl = on), or do without by sslmode in store.dsn"
	case errors.Is(err, context.Canceled):
	case advice == "" && IsAway(err):
		advice = away
	}
	return fmt.Errorf("store %s: %w%s", where, &scrubbed{err}, advice)
}

// scrubbed is an error whose text has nothing of the DSN but the host: pgx names user and database too.
type scrubbed struct{ err error }

func (e *scrubbed) Error() string {
	if c, ok := errors.AsType[*pgconn.ConnectError](e.err); ok {
		if inner := errors.Unwrap(c); inner != nil {
			return store.CannotConnect(inner.Error())
		}
	}
	return e.err.Error()
}

func (e *scrubbed) Unwrap() error { return e.err }

// Is has what passes by itself, or with room at the server, be known as sms.ErrUnavailable.
func (e *scrubbed) Is(target error) bool {
	if target != sms.ErrUnavailable || errors.Is(e.err, context.DeadlineExceeded) { // that may be the asker's
		return false
	}
	switch code(e.err) {
	case codeReadOnly, codeDiskFull, codeOutOfMemory, codeTooManyConnection:
		return true
	}
	return IsAway(e.err)
}

// RefusesRow implements store.Database: classes 22, data exception, and 23, integrity constraint violation; 54, program limit exceeded.
func (*Database) RefusesRow(err error) bool {
	if c := code(err); len(c) == 5 {
		switch c[:2] {
		case "22", "23", "54":
			return true
		}
	}
	return false
}
