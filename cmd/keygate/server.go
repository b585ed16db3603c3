package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/admin/console"
	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/extauthz"
	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/observe"
	"github.com/antinium/keygate/unixsocket"
	"github.com/antinium/keygate/usage"
)

// drainTime bounds the whole stop. Container engines kill after 10 s or more.
const drainTime = 5 * time.Second

// logTime is how long the last log lines may take to be written.
const logTime = time.Second

// usageFile lies beside the database.
const usageFile = "usage.db"

// extAuthzSocketMode lets Envoy in by group, and nobody else.
const extAuthzSocketMode = 0o660

// server is a running keygate: its parts in the order in which they are opened, closed in reverse.
type server struct {
	file    string
	getenv  func(string) string
	started *config.Config // what needs a restart is compared with this
	lines   *observe.Lines // where log writes to
	log     *slog.Logger
	checks  *observe.CheckLog // lines that clients can cause
	ready   atomic.Bool

	store   *keystore.Store
	usage   *usage.Recorder
	service *extauthz.Service
	metrics *observe.Metrics

	began          time.Time   // of this process, by the store's time
	fullKeysManage atomic.Bool // admin.full_keys_manage, as last loaded

	authz      *extauthz.Server
	authzOn    []net.Listener
	admin      *admin.Server
	adminOn    net.Listener
	remoteOn   net.Listener // the admin API over TCP; nil when admin.listen is off
	console    *console.Console
	probes     *observe.Probes
	probesOn   net.Listener // nil when observe is off
	reloadLock sync.Mutex
}

// openServer builds every part or none: the configuration with all its problems, then the store, then the
// sockets with all theirs. On an error nothing stays open.
func (p *program) openServer(file string) (*server, error) {
	loaded, err := config.Load(file, p.getenv)
	if err != nil {
		return nil, err
	}
	if problems := loaded.CheckFiles(); len(problems) > 0 {
		return nil, &config.Problems{List: problems}
	}
	s := &server{file: file, getenv: p.getenv, started: loaded, lines: observe.NewLines(p.stderr)}
	if s.log, err = observe.NewLogger(s.lines, loaded.Log.Format, loaded.Log.Level); err != nil {
		return nil, errors.Join(err, s.closeLog())
	}
	s.checks = observe.NewCheckLog(s.log)
	if err := s.openStore(); err != nil {
		return nil, errors.Join(err, s.closeLog())
	}
	if err := s.openUsage(); err != nil {
		return nil, errors.Join(err, s.store.Close(), s.closeLog())
	}
	s.build()
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.usage.Close(), s.store.Close(), s.closeLog())
	}
	return s, nil
}

// closeLog writes what waits, unless nobody reads it.
func (s *server) closeLog() error {
	ctx, cancel := context.WithTimeout(context.Background(), logTime)
	defer cancel()
	return wrap("write the last log lines", s.lines.Close(ctx))
}

func (s *server) openStore() error {
	pepper, err := s.started.Store.ReadPepper()
	if err != nil {
		return err
	}
	options := storeOptions(s.started, pepper)
	options.OnCorrupt = func(id string) {
		s.checks.Write(slog.LevelError, "a key is damaged in the database: create another one for its holder, or restore the database from a backup",
			func() []slog.Attr { return []slog.Attr{slog.String("key_id", id)} })
	}
	options.OnIndexFault = func(id string) {
		s.checks.Write(slog.LevelError, "the index of ids misses a key, which works all the same: the next change of it mends the index; look at the disk",
			func() []slog.Attr { return []slog.Attr{slog.String("key_id", id)} })
	}
	s.store, err = keystore.Open(options)
	return err
}

// openUsage opens the file beside the keys. What is wrong with that file is no reason not to start.
func (s *server) openUsage() (err error) {
	s.usage, err = usage.Open(usage.Options{
		Path:     filepath.Join(filepath.Dir(s.started.Store.Path), usageFile),
		Interval: s.started.Usage.FlushInterval,
		Now:      s.store.Now,
		Log:      s.log,
	})
	return err
}

// build wires the parts that hold no resource.
func (s *server) build() {
	s.began = s.store.Now()
	s.fullKeysManage.Store(s.started.Admin.FullKeysManage)
	s.metrics = observe.NewMetrics(buildInfo(), outcomes(), s.storeStats)
	watch := watcher{metrics: s.metrics, usage: s.usage, log: s.checks, now: s.store.Now, prefixes: s.store.Prefixes}
	s.service = extauthz.NewService(s.store, policyOf(s.started), watch.observe)
	s.authz = extauthz.NewServer(s.service)
	s.buildAdmin()
	s.probes = observe.NewProbes(s.metrics, s.readiness)
}

// listen opens every socket and reports every one that it could not open.
func (s *server) listen() error {
	var problems []error
	open := func(key string, a config.Address, mode os.FileMode) net.Listener {
		l, err := listenOn(a, mode)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
		return l
	}
	for _, address := range s.started.Listen {
		if l := open("listen", address, extAuthzSocketMode); l != nil {
			s.authzOn = append(s.authzOn, l)
		}
	}
	s.adminOn = open("admin.socket", config.Address{Network: "unix", Address: s.started.Admin.Socket}, 0o600)
	if l, err := s.listenRemote(); err != nil {
		problems = append(problems, fmt.Errorf("admin.listen: %w", err))
	} else {
		s.remoteOn = l
	}
	if s.started.Observe != "" {
		s.probesOn = open("observe", config.Address{Network: "tcp", Address: s.started.Observe}, 0)
	}
	if err := s.buildConsole(); err != nil {
		problems = append(problems, err)
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.Join(append(problems, s.closeListeners())...)
}

func listenOn(a config.Address, mode os.FileMode) (net.Listener, error) {
	if a.Network == "unix" {
		return unixsocket.Listen(a.Address, mode)
	}
	return net.Listen(a.Network, a.Address)
}

func (s *server) closeListeners() error {
	var problems []error
	for _, l := range append(s.authzOn, s.adminOn, s.remoteOn, s.probesOn) {
		if l != nil {
			problems = append(problems, l.Close())
		}
	}
	return errors.Join(problems...)
}

// run serves until ctx ends or a part fails; then everything is drained, closed and joined.
func (s *server) run(ctx context.Context, hangup <-chan os.Signal) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.authz.Serve(s.authzOn...) })
	group.Go(func() error { return s.admin.Serve(ctx, s.adminOn) })
	if s.probesOn != nil {
		group.Go(func() error { return s.probes.Serve(s.probesOn) })
	}
	if s.remoteOn != nil {
		group.Go(func() error { return s.admin.Serve(ctx, s.remoteOn) })
	}
	group.Go(func() error { return s.reloadOn(ctx, hangup) })
	group.Go(func() error { return s.count(ctx) })
	group.Go(func() error { return s.keepTime(ctx) })
	group.Go(func() error { return s.usage.Run(ctx) })
	group.Go(func() error { return s.tidy(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		return s.shutdown()
	})
	s.metrics.Reload(time.Now(), true)
	s.ready.Store(true)
	s.logStart()
	err := group.Wait()
	if !errors.Is(err, extauthz.ErrStuck) { // a check that hangs may still read the store; the process ends anyway
		err = errors.Join(err, wrap("close the usage", s.usage.Close()), wrap("close the store", s.store.Close()))
	}
	s.log.Info("stopped")
	return errors.Join(err, s.closeLog())
}

func (s *server) logStart() {
	listens := make([]string, len(s.authzOn))
	for i, l := range s.authzOn {
		listens[i] = l.Addr().Network() + ":" + l.Addr().String()
	}
	observing := "off"
	if s.probesOn != nil {
		observing = s.probesOn.Addr().String()
	}
	remote := "off"
	if s.remoteOn != nil {
		remote = s.remoteURL()
	}
	s.log.Info("started", "version", buildInfo().Version, "config", s.started.File, "listen", listens,
		"admin_socket", s.started.Admin.Socket, "admin_listen", remote, "observe", observing,
		"store", s.started.Store.Path, "audit_head", s.store.AuditHead().String())
	for _, warning := range append(s.started.Warnings(), s.started.FileWarnings(time.Now())...) {
		s.log.Warn("configuration", "warning", warning.String())
	}
}

// shutdown stops taking checks first and the probes last, so that readiness tells the truth to the end.
func (s *server) shutdown() error {
	s.ready.Store(false)
	s.log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return errors.Join(
		wrap("drain checks", s.authz.Shutdown(ctx)),
		wrap("stop the probes", s.probes.Shutdown(ctx)),
	)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// readiness is nil when Envoy may send checks.
func (s *server) readiness() error {
	if !s.ready.Load() {
		return errors.New("keygate is starting or stopping")
	}
	return nil
}
