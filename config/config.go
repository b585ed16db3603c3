// Package config reads keygate.yaml.
//
// Reading is strict and complete: Load and Parse either return a configuration
// that can be put in force as it is, or every problem of the file at once, each
// with its line and column, what was found and what was expected. Nothing is
// ever half-valid, and no input makes them panic.
//
// The struct in this file is the reference manual. The doc comment of a field is
// its description, and the tags carry what programs need to know as well:
//
//	yaml     the field's name in the file; "-" is not in the file
//	default  the value of a field that the file leaves out
//	is       the kind of value, see kinds.go
//	one      the only values allowed
//	range    the smallest and the largest number or duration allowed
//	or       a word that a duration may be instead; it stands for 0
//	hush     the value is never repeated in a message
//	env      the environment variable that overrides the field
//	apply    what puts a change in force: "reload" (SIGHUP, `keygate reload`) or "restart"
//
// The parser, NeedsRestart, Manual and Schema all read these tags, so that they
// cannot disagree; keygate.schema.json and the README are generated from them.
package config

import (
	"time"

	"github.com/antinium/keygate/extauthz/rules"
)

// Config is a whole configuration. It does not change after Load or Parse
// returned it, so any number of goroutines may read it.
type Config struct {
	// File is the name that the configuration was read under.
	File string `yaml:"-"`

	// Where Envoy reaches the ext_authz gRPC service: one address or a list of
	// them. An address is `host:port`, the host being an IP address or a name, or
	// `unix:/path/to.sock`. The folder of a socket must exist; the socket gets mode
	// 0660. Keep TCP on loopback: the service speaks plain gRPC and answers whoever
	// can reach it.
	Listen []Address `yaml:"listen" default:"127.0.0.1:9494" is:"listen" env:"KEYGATE_LISTEN" apply:"restart"`

	// The key database.
	Store Store `yaml:"store"`

	// How operators and key owners manage keys.
	Admin Admin `yaml:"admin"`

	// What is counted of the checks of each key. The counts lie in the file
	// `usage.db` beside `store.path`; losing it loses no key.
	Usage Usage `yaml:"usage"`

	// The record of every change to a key.
	Audit Audit `yaml:"audit"`

	// Where `/metrics`, `/livez` and `/readyz` are served over plain HTTP:
	// `host:port`. Empty, or the word `off`, switches them off.
	Observe string `yaml:"observe" default:"127.0.0.1:9496" is:"address or off" env:"KEYGATE_OBSERVE" apply:"restart"`

	// The text of keys.
	Keys Keys `yaml:"keys"`

	// What Envoy is told to answer or to change.
	Responses Responses `yaml:"responses"`

	// What keygate writes to standard error.
	Log Log `yaml:"log"`

	// Which permission a request needs: path pattern, then method, then `public`,
	// `read`, `write`, `full` or `deny`. `public` needs no key and reads none,
	// `deny` refuses every key.
	//
	// In a pattern, `*` is any one segment, `{id}` the same with a name, and `**`
	// at the end is the rest, none included: `/v1/**` also covers `/v1` and `/v1/`.
	// Other patterns cover their path with and without a trailing slash. The most
	// specific pattern alone decides, wherever it stands in the file. Then its
	// method decides: one that it lists, else `"*"` (in quotes), which is every
	// other method, else `default`. HEAD follows GET unless it is listed. Two
	// patterns that overlap with neither more specific must agree, or the file is
	// refused.
	//
	// Left out, every request falls to `default`.
	Routes *rules.Table `yaml:"routes" is:"routes" apply:"reload"`

	// What a request needs when no route covers its path, or the route that does
	// lists neither its method nor `"*"`.
	Default rules.Requirement `yaml:"default" default:"full" one:"full deny" apply:"reload"`

	// Decisions that must hold whenever this file is loaded, as
	// `METHOD /path: requirement`. A line that does not hold refuses the file, so
	// that a slip in the routes cannot open a door. The requirement is compared
	// exactly.
	Expect []Expectation `yaml:"expect" is:"expect" apply:"reload"`

	at     map[string]origin // where each given value stands, by dotted name
	routes []routeEntry      // as the rules package numbers them: in file order
}

// Store is the section `store`.
type Store struct {
	// The database file. Its folder must exist and be writable, and belong to
	// keygate alone; the file is created at the first start.
	Path string `yaml:"path" default:"/var/lib/keygate/keys.db" is:"path" env:"KEYGATE_STORE_PATH" apply:"restart"`

	// How many key records are kept in memory; the least recently used one makes
	// room.
	CacheRecords int `yaml:"cache_records" default:"65536" range:"1 16777216" apply:"restart"`

	// A file with a secret of 32 bytes or more that is mixed into every stored
	// digest, so that a stolen database cannot even be searched for a known key. It
	// cannot be changed, added or taken away later. The file's bytes count as they
	// are, except for one newline at the end. Empty: no pepper.
	PepperFile string `yaml:"pepper_file" default:"" is:"pepper path or nothing" hush:"true" apply:"restart"`
}

// Admin is the section `admin`.
type Admin struct {
	// The operator's door: the Unix socket, mode 0600, that `keygate keys` and the
	// other client commands talk to. Its folder must exist. It is refused in a
	// folder that also holds an ext_authz socket, since that folder is shared with
	// Envoy.
	Socket string `yaml:"socket" default:"/run/keygate/admin.sock" is:"socket" apply:"restart"`

	// Where the management API and the console are served over TCP: `host:port`,
	// 9495 by convention. Empty, or the word `off`, switches them off. Callers need a
	// key of their own. Off loopback (127.0.0.0/8, ::1 and `localhost`) it is refused
	// without `admin.tls`, unless `admin.allow_plaintext` is true.
	Listen string `yaml:"listen" default:"" is:"address or off" apply:"restart"`

	// The certificate of `admin.listen`: both files or none.
	TLS TLS `yaml:"tls"`

	// Whether `admin.listen` may be off loopback without TLS. Keys and sessions then
	// cross the network in plain text: for a listener that only a TLS proxy can reach.
	AllowPlaintext bool `yaml:"allow_plaintext" default:"false" apply:"restart"`

	// Where browsers reach the console when that is not `admin.listen` itself, as behind
	// a TLS proxy: `https://keys.example.com`, with a port if it is not the usual one
	// and without a path. It stands in one-time links, and with https the session's
	// cookie is sent over TLS only. http is for loopback.
	PublicURL string `yaml:"public_url" default:"" is:"origin or nothing" apply:"restart"`

	// What the curl line that the console shows beside a new key calls: an http or
	// https URL of your API that a read key may GET, such as
	// `https://api.example.com/v1/documents`. Empty: a made-up one.
	TryURL string `yaml:"try_url" default:"" is:"URL or nothing" apply:"restart"`

	// Whether a `full` key manages the keys of its own workspace over
	// `admin.listen`. If not, operator keys alone do, and a `full` key may look at
	// itself and end itself, as every key may.
	FullKeysManage bool `yaml:"full_keys_manage" default:"true" apply:"reload"`
}

// TLS is the section `admin.tls`.
type TLS struct {
	// A PEM file with the certificate and those that lead to its root. When the files
	// change they are read again, without a restart.
	Cert string `yaml:"cert" default:"" is:"path or nothing" apply:"restart"`

	// A PEM file with the private key of the certificate, without a passphrase.
	// Nobody but keygate needs to read it.
	Key string `yaml:"key" default:"" is:"secret path or nothing" hush:"true" apply:"restart"`
}

// Usage is the section `usage`.
type Usage struct {
	// How often the counts of the checks are written to disk: as much is lost when the
	// machine fails, and "last used" is as exact. When more keys are active than one
	// interval can write, it takes longer.
	FlushInterval time.Duration `yaml:"flush_interval" default:"5s" range:"1s 1h" apply:"restart"`

	// Whether the last address of a key is that of the client, as Envoy tells it in
	// `x-envoy-external-address`, rather than that of the peer that speaks to Envoy: the
	// two differ behind another proxy, where Envoy's `xff_num_trusted_hops` finds the
	// client. Envoy must send the header: paste `keygate snippet envoy` again, and see
	// that its `use_remote_address` is true, or clients could forge it. No decision
	// depends on it.
	ClientAddress bool `yaml:"client_address" default:"false" apply:"reload"`
}

// Audit is the section `audit`. The program knows forever as a Keep of 0.
type Audit struct {
	// How long the record of a change is kept, or `forever`. What is pruned leaves an
	// anchor, so that `keygate audit verify` still holds the rest.
	Keep time.Duration `yaml:"keep" default:"400d" range:"1d 36500d" or:"forever" apply:"restart"`
}

// Keys is the section `keys`.
type Keys struct {
	// What the text of new keys starts with: 1 to 12 lower-case letters or digits
	// and an underscore. Keys minted under an earlier prefix keep working.
	Prefix string `yaml:"prefix" default:"ant_" is:"key prefix" apply:"restart"`
}

// Responses is the section `responses`.
type Responses struct {
	// The realm named in `WWW-Authenticate`: 1 to 100 printable ASCII characters,
	// no `"` and no `\`.
	Realm string `yaml:"realm" default:"api" is:"realm" apply:"reload"`

	// The HTTP status for a good key whose permission does not suffice. 401 has the
	// body that an unknown key gets; 403 has one of its own.
	InsufficientPermission int `yaml:"insufficient_permission" default:"401" one:"401 403" apply:"reload"`

	// What the names of the identity headers start with, as in
	// `x-antinium-key-id`: lower-case letters, digits and at most 4 `-`, ending in `-`.
	// Every other header that a client sends under it is removed, so it must be yours
	// alone. Envoy's configuration names it too: paste `keygate snippet envoy` again
	// when it changes.
	HeaderPrefix string `yaml:"header_prefix" default:"x-antinium-" is:"header prefix" apply:"restart"`

	// Whether the application still receives the `authorization` header, and with
	// it the key.
	ForwardCredential bool `yaml:"forward_credential" default:"false" apply:"reload"`

	// Whether the application still receives `x-http-method-override`,
	// `x-http-method`, `x-method-override`, `x-original-url` and `x-rewrite-url`.
	// An application that obeys one of them does something other than what was
	// checked.
	ForwardOverrides bool `yaml:"forward_overrides" default:"false" apply:"reload"`

	// What happens to a browser's CORS preflight, which never carries a key:
	// `pass` lets it through without identity, unless the path is `deny` or its
	// route lists OPTIONS; `check` treats it as any other request.
	Preflight string `yaml:"preflight" default:"pass" one:"pass check" apply:"reload"`
}

// Log is the section `log`.
type Log struct {
	// How a line is written.
	Format string `yaml:"format" default:"text" one:"text json" apply:"restart"`

	// The least serious line that is written.
	Level string `yaml:"level" default:"info" one:"debug info warn error" apply:"restart"`
}

// Address is a place to listen on.
type Address struct {
	Network string // "tcp" or "unix"
	Address string // host:port, or the path of the socket
}

// String gives the address as the file writes it.
func (a Address) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Address
	}
	return a.Address
}

// Expectation is one line of `expect`. It held when the file was loaded.
type Expectation struct {
	Method, Path string // as written
	Required     rules.Requirement
}
