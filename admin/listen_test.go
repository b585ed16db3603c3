package admin

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/keystore"
)

// certificate writes a new self-signed pair for 127.0.0.1 over the two files, and
// makes them look newer than they were.
func certificate(t *testing.T, certFile, keyFile string) *x509.Certificate {
	t.Helper()
	cert, key := newCertificate(t)
	replace(t, certFile, "CERTIFICATE", cert.Raw)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, keyFile, "PRIVATE KEY", der)
	return cert
}

func newCertificate(t *testing.T) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// replace writes a file as certbot and Kubernetes do: another one in its place.
func replace(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	age := time.Now()
	if old, err := os.Stat(file); err == nil {
		age = old.ModTime().Add(time.Minute)
	}
	if err := os.Chtimes(file+".new", age, age); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// tlsWorld is a server over TLS whose pair is looked at by a hand clock.
type tlsWorld struct {
	*world
	certFile, keyFile string
	clock             *handClock
	address           string
	cert              *x509.Certificate
}

func newTLSWorld(t *testing.T) *tlsWorld {
	t.Helper()
	dir := t.TempDir()
	w := &tlsWorld{world: newWorld(t), certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), clock: newHandClock()}
	w.cert = certificate(t, w.certFile, w.keyFile)
	pair, err := newKeyPair(w.certFile, w.keyFile, slog.New(slog.NewTextHandler(w.log, nil)), w.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = l.Addr().String()
	serve(t, w.server, pair.over(l))
	return w
}

// secure is a client that trusts one certificate.
func secure(t *testing.T, address, key string, trusted *x509.Certificate) *Client {
	t.Helper()
	c, err := NewRemoteClient("https://"+address, keystore.NewSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	roots := x509.NewCertPool()
	roots.AddCert(trusted)
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return c
}

// mustShow checks which certificate a new connection gets.
func (w *tlsWorld) mustShow(t *testing.T, want *x509.Certificate) {
	t.Helper()
	conn, err := tls.Dial("tcp", w.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(want) {
		t.Errorf("serial %v is shown, want %v", got.SerialNumber, want.SerialNumber)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert := certificate(t, certFile, keyFile)
	l, err := ListenTCP("127.0.0.1:0", certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	serve(t, w.server, l)
	address := l.Addr().String()
	id, text := w.mint(t, "full", "acme/prod")
	c := secure(t, address, text, cert)
	if who, err := c.Whoami(t.Context()); err != nil || who.Key.ID != id || who.Role != RoleManager {
		t.Errorf("%+v, %v", who, err)
	}
	if r := ask(t, secure(t, address, "", cert), "GET", "/v1/keys", ""); r.status != 401 {
		t.Errorf("without a key: %d %s", r.status, r.body)
	}
	stranger, _ := newCertificate(t)
	_, err = secure(t, address, text, stranger).Whoami(t.Context())
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), text) {
		t.Errorf("a server that nobody vouches for: %v", err)
	}
	for version, works := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != works {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
				t.Errorf("%s speaks %q", tls.VersionName(version), got)
			}
			conn.Close()
		}
	}
}

// TestPlaintextOverTLSGetsNothing: the key in it is lost, but what it asked is not answered.
func TestPlaintextOverTLSGetsNothing(t *testing.T) {
	w := newTLSWorld(t)
	_, text := w.mint(t, "full", "acme/prod")
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 32\r\n\r\n%s", text, `{"name":"a","permission":"read"}`)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 400 || string(body) != "Client sent an HTTP request to an HTTPS server.\n" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	w.mustHold(t, 1)
	if strings.Contains(w.log.String(), text[4:20]) {
		t.Errorf("log: %s", w.log)
	}
}

func TestNewCertificateIsTakenUp(t *testing.T) {
	w := newTLSWorld(t)
	w.mustShow(t, w.cert)
	fresh := certificate(t, w.certFile, w.keyFile)
	w.mustShow(t, w.cert) // not looked at yet
	w.clock.move(recheck)
	w.mustShow(t, fresh)
	if !strings.Contains(w.log.String(), "a new certificate is in use") {
		t.Errorf("log: %s", w.log)
	}
	if _, err := secure(t, w.address, "", fresh).Whoami(t.Context()); !isStatus(err, 401) {
		t.Errorf("%v", err)
	}
}

// TestBrokenCertificateLeavesTheOldOne, however it is broken, until a sound one comes.
func TestBrokenCertificateLeavesTheOldOne(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.pem")
	for name, spoil := range map[string]func(t *testing.T, w *tlsWorld){
		"half a pair": func(t *testing.T, w *tlsWorld) { certificate(t, w.certFile, other) },
		"no PEM":      func(t *testing.T, w *tlsWorld) { replace(t, w.certFile, "NOTHING", []byte("x")) },
		"empty": func(t *testing.T, w *tlsWorld) {
			if err := os.WriteFile(w.keyFile, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"gone": func(t *testing.T, w *tlsWorld) {
			if err := os.Remove(w.keyFile); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTLSWorld(t)
			secret, err := os.ReadFile(w.keyFile)
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, w)
			for range 3 {
				w.clock.move(recheck)
				w.mustShow(t, w.cert)
			}
			if n := strings.Count(w.log.String(), "the old one stays"); n != 1 {
				t.Errorf("told %d times: %s", n, w.log)
			}
			if lines := bytes.Split(secret, []byte("\n")); strings.Contains(w.log.String(), string(lines[1])) {
				t.Errorf("the log holds the private key: %s", w.log)
			}
			fresh := certificate(t, w.certFile, w.keyFile)
			w.clock.move(recheck)
			w.mustShow(t, fresh)
		})
	}
}

func TestListenTCPRefusesABrokenPairAtTheStart(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if l, err := ListenTCP("127.0.0.1:0", certFile, keyFile, nil); err == nil || !strings.HasPrefix(err.Error(), "admin.tls: ") {
		t.Errorf("%v, %v", l, err)
	}
	certificate(t, certFile, keyFile)
	if l, err := ListenTCP("127.0.0.1:no", certFile, keyFile, nil); err == nil {
		t.Errorf("%v, %v", l, err)
	}
}
