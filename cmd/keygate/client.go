package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/config"
)

// socket is --socket, else $KEYGATE_SOCKET, else the configuration's, else the default. A configuration that
// cannot be read is an error only if it was asked for: people run `keys` on machines that hold no file.
func (p *program) socket() (string, error) {
	if p.socketFlag != "" {
		return p.socketFlag, nil
	}
	if socket := p.getenv("KEYGATE_SOCKET"); socket != "" {
		return socket, nil
	}
	socket, err := config.AdminSocket(p.configFile())
	switch {
	case err == nil:
		return socket, nil
	case p.configFlag != "" || p.getenv("KEYGATE_CONFIG") != "":
		return "", fmt.Errorf("cannot learn the admin socket: %w", err)
	}
	return defaultSocket, nil
}

// serverURL is the URL to call, or "" where the socket is meant: a flag goes before the environment, and two of a kind
// contradict each other.
func (p *program) serverURL() (string, error) {
	fromEnv := p.getenv("KEYGATE_SERVER")
	switch {
	case p.serverFlag != "" && p.socketFlag != "":
		return "", usagef("--server and --socket exclude each other")
	case p.serverFlag != "":
		return p.serverFlag, nil
	case p.socketFlag != "":
		fromEnv = ""
	case fromEnv != "" && p.getenv("KEYGATE_SOCKET") != "":
		return "", usagef("$KEYGATE_SERVER and $KEYGATE_SOCKET are both set: unset one, or pass --server or --socket")
	}
	if fromEnv == "" && p.keyFileFlag != "" {
		return "", usagef("--key-file is for --server: the socket asks for no key")
	}
	return fromEnv, nil
}

// client talks to the running server.
func (p *program) client() (*admin.Client, error) {
	server, err := p.serverURL()
	if err != nil {
		return nil, err
	}
	if server != "" {
		return p.remoteClient(server)
	}
	socket, err := p.socket()
	if err != nil {
		return nil, err
	}
	return admin.NewClient(socket), nil
}

// keyFile is --key-file, else $KEYGATE_KEY_FILE.
func (p *program) keyFile() string {
	if p.keyFileFlag != "" {
		return p.keyFileFlag
	}
	return p.getenv("KEYGATE_KEY_FILE")
}

// nextStep is what to add to an error of a call over TCP: a server tells nobody why it does not take a key.
func (p *program) nextStep(err error) string {
	var refused *admin.APIError
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return ": the key in " + p.keyFile() + " may be revoked, expired, disabled, or one of another server"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "; $SSL_CERT_FILE names a file with the certificates to trust"
	}
	return ""
}

// remoteClient calls a server over TCP. The key comes from a file alone: arguments are for everybody to see.
func (p *program) remoteClient(server string) (*admin.Client, error) {
	if strings.Contains(server, "@") || p.holdKey(server) { // and is not repeated
		return nil, usagef("the URL of --server holds no user and no key: put the key into a file and pass --key-file")
	}
	file := p.keyFile()
	if file == "" {
		return nil, usagef("--server wants a key: pass --key-file FILE, or set $KEYGATE_KEY_FILE")
	}
	key, err := p.readKeyFile(file)
	if err != nil {
		return nil, err
	}
	client, err := admin.NewRemoteClient(server, key)
	if err != nil {
		return nil, usageError{fmt.Errorf("--server: %w", err)}
	}
	return client, nil
}
