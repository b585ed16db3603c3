package main

import "strings"

// parseLabels reads NAME=VALUE pairs, each name once. What a name and a value may hold the server says.
func parseLabels(pairs []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, usagef("label %q: want NAME=VALUE", pair)
		}
		if _, twice := labels[name]; twice {
			return nil, usagef("label %q: the name is given twice", pair)
		}
		labels[name] = value
	}
	return labels, nil
}

// labelQuery is labels to look for, as the API wants them.
func labelQuery(pairs []string) (string, error) {
	if _, err := parseLabels(pairs); err != nil {
		return "", err
	}
	for _, pair := range pairs {
		if strings.Contains(pair, ",") {
			return "", usagef("label %q: a value with a comma cannot be looked for; give each label its own -l", pair)
		}
	}
	return strings.Join(pairs, ","), nil
}

// parseRelabel reads what to set (NAME=VALUE) and what to remove (NAME-).
func parseRelabel(args []string) (map[string]*string, error) {
	labels := map[string]*string{}
	var pairs []string
	for _, arg := range args {
		name, removes := strings.CutSuffix(arg, "-")
		if !removes || strings.Contains(arg, "=") {
			pairs = append(pairs, arg)
			continue
		}
		if _, twice := labels[name]; twice || name == "" {
			return nil, usagef("label %q: want NAME=VALUE to set one and NAME- to remove one, each name once", arg)
		}
		labels[name] = nil
	}
	set, err := parseLabels(pairs)
	if err != nil {
		return nil, err
	}
	for name, value := range set {
		if _, twice := labels[name]; twice {
			return nil, usagef("label %q is set and removed at once", name)
		}
		labels[name] = &value
	}
	return labels, nil
}
