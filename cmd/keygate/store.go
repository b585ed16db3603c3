package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/keystore"
)

// storeCommand groups what works on the database file of a stopped server.
func (p *program) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Mend the database of a stopped server",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.storeRepairCommand(), p.storeResetClockCommand())
	return cmd
}

func (p *program) storeRepairCommand() *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use:   "repair --accept-loss",
		Short: "Open a database again whose last change may be lost",
		Long: `Open a database again of which one of the two root pages is damaged. The other one
may date from before the last change, which is undone then: if that change was a
revoke, the key works again. Look at the last keys you changed afterwards.`,
		Example: "  keygate store repair --accept-loss -c keygate.yaml",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if !accept {
				return usagef("the last change to the keys may be undone: pass --accept-loss to go on")
			}
			loaded, err := config.Load(p.configFile(), p.getenv)
			if err != nil {
				return err
			}
			report, err := keystore.Repair(loaded.Store.Path)
			if report != "" {
				fmt.Fprintln(p.stderr, report)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&accept, "accept-loss", false, "accept that the last change may be undone")
	return cmd
}

func (p *program) storeResetClockCommand() *cobra.Command {
	var reason string
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset-clock --yes",
		Short: "Take back the time of a database whose clock was far ahead once",
		Long: `Set the highest time that the database has seen back to the clock of this machine.
keygate never lets its time go back, so a clock that was years ahead once has ended
every key that expires before that. Make sure that the clock is right now: if it is
behind, keys that have expired work again.`,
		Example: "  keygate store reset-clock --yes -c keygate.yaml",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if !yes {
				return usagef("the time of the database would become %s, which must be right: pass --yes to go on",
					time.Now().UTC().Format(time.RFC3339))
			}
			loaded, err := config.Load(p.configFile(), p.getenv)
			if err != nil {
				return err
			}
			pepper, err := loaded.Store.ReadPepper()
			if err != nil {
				return err
			}
			was, is, err := keystore.ResetClock(storeOptions(loaded, pepper), keystore.By{
				Actor: fmt.Sprintf("uid:%d", os.Getuid()), Claimed: p.getenv("KEYGATE_ACTOR"), Reason: reason,
			})
			if errors.As(err, new(*keystore.LockedError)) {
				return fmt.Errorf("%w; this command wants the server stopped", err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "the time of the database was %s and is %s\n", was.UTC().Format(time.RFC3339), is.UTC().Format(time.RFC3339))
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "the clock of this machine is right")
	reasonFlag(cmd, &reason)
	return cmd
}

// storeOptions says how the configuration's store is opened.
func storeOptions(c *config.Config, pepper []byte) keystore.Options {
	return keystore.Options{
		Path: c.Store.Path, CacheRecords: c.Store.CacheRecords, Pepper: pepper, Prefix: c.Keys.Prefix,
	}
}
