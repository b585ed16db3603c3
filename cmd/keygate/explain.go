package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/extauthz"
	"github.com/antinium/keygate/extauthz/rules"
	"github.com/antinium/keygate/keystore"
)

// explain is what the admin API answers with: the rules in force and, with a key, the verdict that a check would get.
func (s *server) explain(_ context.Context, ask admin.ExplainRequest) (admin.Explanation, error) {
	policy := s.service.Policy()
	request := extauthz.Request{HTTP: true, Method: ask.Method, Target: ask.Path}
	text := ask.Key.Reveal()
	if text == "" {
		return explanation(ask, policy.Require(request)), nil
	}
	request.Authorization = []string{"Bearer " + text}
	verdict, err := s.service.Decide(policy, request)
	if err != nil {
		return admin.Explanation{}, err
	}
	told := explanation(ask, verdict)
	if verdict.Record != nil {
		k := admin.NewKey(verdict.Record, s.store.Now())
		told.Key = &k
	} else if problem := keystore.CheckText(text, s.store.Prefixes()); problem != keystore.TextOK {
		told.KeyProblem = problem.String()
	}
	return told, nil
}

// explanation tells a verdict in the words of the API.
func explanation(ask admin.ExplainRequest, v extauthz.Verdict) admin.Explanation {
	told := admin.Explanation{Method: ask.Method, Path: ask.Path, Rule: v.RuleName(), Allowed: v.Reason.Allows()}
	if path, err := rules.ParsePath(ask.Path); err == nil {
		told.CanonicalPath = path.String()
	}
	if v.Routed {
		told.Required = v.Required.String()
	}
	if v.Reason != extauthz.Undecided {
		told.Reason = v.Reason.String()
	}
	if v.Problem != nil {
		told.Problem = v.Problem.Error()
	}
	return told
}

func (p *program) explainCommand() *cobra.Command {
	var fromStdin, offline bool
	var expect, format string
	cmd := &cobra.Command{
		Use:   "explain METHOD PATH",
		Short: "Say which rule decides, what it requires and, with a key, the verdict",
		Long: `Say which rule decides a request, what it requires and, with a key on standard
input, what the verdict would be and why. It asks the running server; --offline decides
by the file alone. It exits 0 whenever it could explain, and 1 where --expect differs.`,
		Example: `  keygate explain POST /v1/documents/7
  echo "$KEY" | keygate explain GET /v1/documents --key-stdin
  keygate explain DELETE /v1/members/9 --offline --expect full`,
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if offline && fromStdin {
				return usagef("--offline decides by the file and knows no keys: leave out --key-stdin, or ask the running server")
			}
			if _, err := rules.ParseRequirement(expect); expect != "" && err != nil {
				return usagef("--expect: %w", err)
			}
			ask := admin.ExplainRequest{Method: args[0], Path: args[1]}
			told, err := p.explain(cmd.Context(), ask, fromStdin, offline)
			if err != nil {
				return err
			}
			if err := p.showExplanation(told, format); err != nil {
				return err
			}
			if expect != "" && told.Required != expect {
				return fmt.Errorf("%s %s requires %s, not %s", told.Method, told.Path, orNothing(told.Required), expect)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "decide by the configuration file; needs no server")
	cmd.Flags().StringVar(&expect, "expect", "", "exit 1 unless the request requires this: public, read, write, full or deny (`PERMISSION`)")
	cmd.Flags().BoolVar(&fromStdin, "key-stdin", false, "read a key's text from standard input and give the verdict on it")
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) explain(ctx context.Context, ask admin.ExplainRequest, fromStdin, offline bool) (admin.Explanation, error) {
	if offline {
		loaded, err := config.Load(p.configFile(), p.getenv)
		if err != nil {
			return admin.Explanation{}, err
		}
		request := extauthz.Request{HTTP: true, Method: ask.Method, Target: ask.Path}
		return explanation(ask, policyOf(loaded).Require(request)), nil
	}
	if fromStdin {
		text, err := p.readKey()
		if err != nil {
			return admin.Explanation{}, err
		}
		ask.Key = text
	}
	client, err := p.client()
	if err != nil {
		return admin.Explanation{}, err
	}
	told, err := client.Explain(ctx, ask)
	if errors.As(err, new(*admin.UnreachableError)) && !fromStdin {
		return told, fmt.Errorf("%w; or decide by the file with --offline", err)
	}
	return told, err
}

func (p *program) showExplanation(e admin.Explanation, format string) error {
	if format == "json" {
		return writeJSON(p.stdout, e)
	}
	key := e.KeyProblem
	if e.Key != nil {
		key = fmt.Sprintf("%s %q (%s, %s)", e.Key.ID, e.Key.Name, e.Key.Permission, e.Key.Status)
	}
	return writeFields(p.stdout, "request", e.Method+" "+e.Path, "problem", e.Problem, "rule", e.Rule,
		"requires", e.Required, "key", key, "verdict", verdictWords(e))
}

// verdictWords is "" where the request alone decides nothing and no key was given.
func verdictWords(e admin.Explanation) string {
	switch {
	case e.Reason == "":
		return ""
	case e.Allowed:
		return "allowed (" + e.Reason + ")"
	}
	return "denied (" + e.Reason + ")"
}

func orNothing(s string) string {
	if s == "" {
		return "nothing, being refused before any rule,"
	}
	return s
}
