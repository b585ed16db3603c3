package console

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// certificate writes a certificate of nobody and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"keys.test"}}
	cert := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))(t)
	private := must(x509.MarshalPKCS8PrivateKey(key))(t)
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
}

// Over TLS the cookie is the one that browsers guard.
func TestOverTLS(t *testing.T) {
	certFile, keyFile := certificate(t)
	w := newWorldBehind(t, "", certFile, keyFile)
	b := w.newTab(t)
	b.mustTellTheStory(t)
	var cookies []*network.Cookie
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		cookies, err = network.GetCookies().Do(ctx)
		return err
	}))
	if len(cookies) != 1 || cookies[0].Name != secureCookie || !cookies[0].Secure || !cookies[0].HTTPOnly || cookies[0].SameSite != network.CookieSameSiteStrict || !cookies[0].Session {
		t.Errorf("cookies %+v", cookies)
	}
}

// In plain text and off loopback, browsers leave out Sec-Fetch-Site and have no
// clipboard for scripts; everything works all the same.
func TestInPlainTextOffLoopback(t *testing.T) {
	w := newWorld(t, "")
	b := w.newTab(t)
	b.site = strings.Replace(w.url, "127.0.0.1", "keys.test", 1)
	b.mustTellTheStory(t)
	b.create(t, "selected")
	b.click(t, "Copy key")
	b.mustSay(t, "#secret-said", "Selected: copy it with Ctrl+C or ⌘C.")
}

// mustTellTheStory signs in, makes a key and renames it.
func (b *tab) mustTellTheStory(t *testing.T) {
	t.Helper()
	_, manager := b.world.full(t)
	b.signIn(t, manager)
	r, err := b.world.store.Lookup(b.create(t, "made"))
	if err != nil {
		t.Fatal(err)
	}
	b.open(t, keyPath(r.ID))
	b.click(t, "Rename")
	b.run(t, chromedp.SetValue("#field-name", "renamed", chromedp.ByID))
	b.submit(t, "Save name", "renamed")
}
