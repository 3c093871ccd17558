package centre

import (
	"crypto/rand"
	"time"

	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/worker"
)

// tell begins to tell the commands of this machine of the server that is ready. It works on where that cannot be written.
func (mc *centre) tell(path string, ready worker.Ready, changed time.Time) {
	now := time.Now()
	mc.says = running.Server{PID: ready.PID, Version: ready.Version, Started: now, SMPP: ready.SMPP, SMPPTLS: ready.SMPPTLS, TCP: ready.TCP, TCPTLS: ready.TCPTLS, Admin: ready.Admin,
		AdminCert: mc.cfg.Admin.CertFile, Token: mc.token, Config: running.Reload{At: now, Changed: changed}}
	var err error
	if mc.notice, err = running.Hold(path); err == nil {
		err = mc.notice.Write(mc.says)
	}
	if err != nil {
		mc.log.Warn().Err(err).Msg("the commands of this machine do not see this server: smppserv reload cannot tell what became of the file, smppserv send needs the client's password")
	}
}

// announce tells them what became of config.toml.
func (mc *centre) announce(r running.Reload) {
	if mc.notice == nil {
		return
	}
	mc.says.Config = r
	if err := mc.notice.Write(mc.says); err != nil {
		mc.log.Warn().Err(err).Msg("smppserv reload does not hear of this")
	}
}

// newToken is a secret of 128 bits that a password of SMPP has room for in practice.
func newToken() string { return rand.Text() }
