package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dawn and dusk are when the certificates of these tests begin and end.
var (
	dawn = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	noon = dawn.Add(12 * time.Hour)
	dusk = dawn.Add(24 * time.Hour)
)

// writePair writes cert.pem and key.pem of a new pair into folder, and gives the PEM text of the key.
func writePair(t *testing.T, folder string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: dawn, NotAfter: dusk, DNSNames: []string{"keys.example.com"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	write(t, filepath.Join(folder, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, filepath.Join(folder, "key.pem"), text)
	return text
}

// withTLS is sound with a listener that has a certificate.
func withTLS(t *testing.T) (c *Config, folder, key string) {
	t.Helper()
	c, folder = sound(t)
	key = writePair(t, folder)
	c, err := Parse(c.File, []byte("listen: [127.0.0.1:0, unix:envoy/a.sock]\nstore: { path: data/keys.db, pepper_file: pepper }\n"+
		"admin:\n  socket: run/admin.sock\n  listen: 0.0.0.0:0\n  tls:\n    cert: cert.pem\n    key: key.pem\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, folder, key
}

func TestCertificateIsLoaded(t *testing.T) {
	c, folder, _ := withTLS(t)
	before := listing(t, folder)
	expectProblems(t, c.CheckFiles(), nil)
	expectProblems(t, c.FileWarnings(noon), nil)
	if after := listing(t, folder); after != before {
		t.Errorf("the checks changed\n%s\nto\n%s", before, after)
	}
	pair, err := c.Admin.TLS.Load()
	if err != nil || pair.Leaf == nil || pair.Leaf.DNSNames[0] != "keys.example.com" {
		t.Errorf("got %v, %v", pair.Leaf, err)
	}
}

// TestOnePEMFileCanHoldBoth is how some tools write a pair.
func TestOnePEMFileCanHoldBoth(t *testing.T) {
	c, folder, key := withTLS(t)
	cert, err := os.ReadFile(filepath.Join(folder, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "key.pem"), string(cert)+key)
	c.Admin.TLS.Cert = c.Admin.TLS.Key
	expectProblems(t, c.CheckFiles(), nil)
}

func TestCheckFilesRefusesACertificateThatCannotBeUsed(t *testing.T) {
	const (
		ofCert = ":7:11: admin.tls.cert: "
		ofKey  = ":8:10: admin.tls.key: "
		ofPair = ofCert + "found a certificate and a key that cannot be used together, expected PEM files of a pair: "
	)
	for name, test := range map[string]struct {
		spoil func(t *testing.T, folder, key string)
		want  string
	}{
		"no certificate":      {func(t *testing.T, folder, _ string) { remove(t, folder, "cert.pem") }, ofCert + `found the certificate "`},
		"no key":              {func(t *testing.T, folder, _ string) { remove(t, folder, "key.pem") }, ofKey + "found a key file that cannot be read: no such file"},
		"a folder":            {func(t *testing.T, folder, _ string) { remove(t, folder, "key.pem"); mkdir(t, folder, "key.pem") }, ofKey + "found a key file that cannot be read: is a dir"},
		"another pair's key":  {func(t *testing.T, folder, _ string) { writeOtherKey(t, folder) }, ofPair + "tls: private key does not match public key"},
		"an empty key":        {func(t *testing.T, folder, _ string) { write(t, filepath.Join(folder, "key.pem"), "") }, ofPair},
		"a damaged key":       {func(t *testing.T, folder, key string) { write(t, filepath.Join(folder, "key.pem"), damage(key)) }, ofPair},
		"the key twice":       {func(t *testing.T, folder, key string) { write(t, filepath.Join(folder, "cert.pem"), key) }, ofPair},
		"a certificate twice": {func(t *testing.T, folder, _ string) { copyFile(t, folder, "cert.pem", "key.pem") }, ofPair},
	} {
		t.Run(name, func(t *testing.T) {
			c, folder, key := withTLS(t)
			test.spoil(t, folder, key)
			got := c.CheckFiles()
			expectProblems(t, got, []string{test.want})
			_, err := c.Admin.TLS.Load()
			if err == nil || !strings.Contains(fmt.Sprint(got), err.Error()) {
				t.Errorf("Load says %v, CheckFiles %v", err, got)
			}
			expectNoKey(t, key, fmt.Sprint(got, err, c.FileWarnings(noon)))
		})
	}
}

// expectNoKey looks for each line of a private key.
func expectNoKey(t *testing.T, key, printed string) {
	t.Helper()
	for line := range strings.Lines(key) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && strings.Contains(printed, line[:min(len(line), 12)]) {
			t.Errorf("a part of the key shows in %s", printed)
		}
	}
}

// damage keeps the form of PEM and spoils what is in it.
func damage(key string) string {
	lines := strings.Split(key, "\n")
	lines[1] = strings.Repeat("A", len(lines[1]))
	return strings.Join(lines, "\n")
}

func remove(t *testing.T, folder, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, folder, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, folder, from, to string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, from))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, to), string(data))
}

func writeOtherKey(t *testing.T, folder string) {
	t.Helper()
	write(t, filepath.Join(folder, "key.pem"), writePair(t, t.TempDir()))
}

// TestUnusedCertificateIsNotRead: to switch the listener off is a way out of a broken certificate.
func TestUnusedCertificateIsNotRead(t *testing.T) {
	c, folder, _ := withTLS(t)
	remove(t, folder, "cert.pem")
	c.Admin.Listen = ""
	expectProblems(t, c.CheckFiles(), nil)
	expectProblems(t, c.FileWarnings(noon), nil)
}

func TestFileWarningsOfTime(t *testing.T) {
	c, _, _ := withTLS(t)
	expectProblems(t, c.FileWarnings(dawn), nil)
	expectProblems(t, c.FileWarnings(dusk), nil)
	expectProblems(t, c.FileWarnings(dusk.Add(time.Second)), []string{":7:11: admin.tls.cert: the certificate has expired, on 2026-03-02T00:00:00Z: clients will refuse it"})
	expectProblems(t, c.FileWarnings(dawn.Add(-time.Second)), []string{":7:11: admin.tls.cert: the certificate is valid from 2026-03-01T00:00:00Z only"})
}

func TestFileWarningsOfSecretsThatOthersCanRead(t *testing.T) {
	c, folder, _ := withTLS(t)
	chmod := func(mode os.FileMode) {
		for _, name := range []string{"key.pem", "pepper", "cert.pem"} {
			if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	chmod(0o640) // to root and a group of its own is how packages install a key
	expectProblems(t, c.FileWarnings(noon), nil)
	chmod(0o644)
	if exposed(stat(t, c.Admin.TLS.Key)) { // where the system has such modes
		expectProblems(t, c.FileWarnings(noon), []string{
			":2:43: store.pepper_file: every user of this machine can read the file (mode 0644)",
			":8:10: admin.tls.key: every user of this machine can read the file (mode 0644)",
		})
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestPastedPrivateKeyStaysHidden has the key where its file's name belongs.
func TestPastedPrivateKeyStaysHidden(t *testing.T) {
	key := writePair(t, t.TempDir())
	body := strings.Split(key, "\n")[1]
	for _, value := range []string{fmt.Sprintf("%q", key), "[" + body + "]", "{ a: " + body + " }", body + "/", fmt.Sprintf("%q", "-----BEGIN EC PRIVATE KEY-----"+body)} {
		_, err := Parse("f", []byte("admin: { listen: 127.0.0.1:1, tls: { cert: c, key: "+value+" } }"), nil)
		if err == nil {
			t.Errorf("%s is taken", value)
		}
		expectNoKey(t, key, fmt.Sprint(err))
	}
	c := mustParse(t, "admin: { listen: 127.0.0.1:1, tls: { cert: /dev/null, key: "+body+" } }")
	_, err := c.Admin.TLS.Load()
	expectNoKey(t, key, fmt.Sprint(c.CheckFiles(), c.Warnings(), c.FileWarnings(noon), err))
}
