package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"sync"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// version names what is in assetFiles, so that a browser keeps it until it changes.
var version = sync.OnceValue(func() string {
	h := sha256.New()
	_ = fs.WalkDir(assetFiles, "assets", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := assetFiles.ReadFile(path)
			h.Write(data)
		}
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:12]
})

func assetPath(name string) string { return "/assets/" + version() + "/" + name }

func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	data, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}
