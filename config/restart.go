package config

import "reflect"

// NeedsRestart names, in the order of the manual and dotted as in "store.path",
// what differs between two configurations and is put in force by a restart only.
// It is nil when a reload of next does everything.
func NeedsRestart(old, next *Config) []string {
	before := make(map[string]any)
	eachField(reflect.ValueOf(old).Elem(), "", func(f field) {
		before[f.name] = f.value.Interface()
	})
	var names []string
	eachField(reflect.ValueOf(next).Elem(), "", func(f field) {
		if f.about.Tag.Get("apply") == "restart" && !reflect.DeepEqual(before[f.name], f.value.Interface()) {
			names = append(names, f.name)
		}
	})
	return names
}
