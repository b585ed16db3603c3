package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assetRoot is where the assets are served.
const assetRoot = "/console/assets/"

// Assets are the style sheet, the script and the icon. The hash of what is in a
// file is in its URL, so browsers may keep it for good and never show a page in
// the style of an older version.
type Assets struct {
	Style, Script, Icon string // their URLs

	files map[string]asset // by URL
}

type asset struct {
	mediaType string
	data      []byte
}

// NewAssets reads what is built into the program.
func NewAssets() (*Assets, error) {
	a := &Assets{files: map[string]asset{}}
	for _, f := range []struct {
		name, mediaType string
		url             *string
	}{
		{"style.css", "text/css; charset=utf-8", &a.Style},
		{"console.js", "text/javascript; charset=utf-8", &a.Script},
		{"icon.svg", "image/svg+xml", &a.Icon},
	} {
		data, err := assetFiles.ReadFile("assets/" + f.name)
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		*f.url = assetURL(f.name, data)
		a.files[*f.url] = asset{f.mediaType, data}
	}
	return a, nil
}

// assetURL is /console/assets/style.0123456789ab.css for style.css.
func assetURL(name string, data []byte) string {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	return assetRoot + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
}

// ServeHTTP answers GET and HEAD with an asset, and 404 for what is none.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, known := a.files[r.URL.Path]
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if !known {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", file.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'")
	_, _ = w.Write(file.data)
}
